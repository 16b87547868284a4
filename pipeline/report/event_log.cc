#include "pipeline/report/event_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/report/format.h"
#include "s3/base/environment.h"

namespace pipeline {
namespace {

// https://no-color.org
bool WantsColors(const ReportOptions& options, std::FILE* out) {
  const auto no_color = s3::ProcessEnvironment()("NO_COLOR");
  return options.color && IsSmartTerminal(out) && (!no_color || no_color->empty());
}

std::string LineOf(const Event& event, LogFormat format, bool has_time, std::string_view time) {
  if (format == LogFormat::kJson) return EventJson(event, time);
  return has_time ? fmt::format("{} {}", time, event.text) : event.text;
}

}  // namespace

std::string EventJson(const Event& event, std::string_view time) {
  nlohmann::ordered_json json{{"time", time}, {"event", event.name}};
  for (const auto& [name, value] : event.fields) {
    std::visit([&, key = std::string(name)](const auto& held) { json[key] = held; }, value);
  }
  // Only ASCII, because the escapes that keep hidden characters from a terminal would damage the document.
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

EventLog::EventLog(const ReportOptions& options, std::FILE* out, int log_fd)
    : out_(out),
      log_fd_(log_fd),
      is_terminal_(isatty(fileno(out)) == 1),
      has_colors_(WantsColors(options, out)),
      out_format_(log_fd >= 0 ? LogFormat::kText : options.log_format),
      file_format_(options.log_format) {}

void EventLog::Write(const Event& event) {
  const auto time = LocalTimestamp(std::chrono::system_clock::now());
  PrintLine(out_, LineOf(event, out_format_, !is_terminal_, time), has_colors_ ? event.color : Color::kNone);
  // A log file that cannot be written does not disturb the run: the journal has all results.
  if (log_fd_ >= 0) (void)AppendLine(log_fd_, LineOf(event, file_format_, true, time));
}

void EventLog::WriteJson(const Event& event) {
  PrintLine(out_, EventJson(event, LocalTimestamp(std::chrono::system_clock::now())));
}

}  // namespace pipeline
