// Writes the events of a run as lines: to stderr, and to a log file if there is one.
//
// A line of text is "failed  data/a: permission denied". It begins with a time stamp unless it goes to a
// terminal. A line of JSON is one object:
//   {"time":"2026-11-27T14:06:17+01:00","event":"failed","path":"data/a","message":"permission denied"}
// Bytes of a name that are not UTF-8 are replaced by U+FFFD in JSON; the journal keeps names exactly.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "pipeline/options.h"
#include "pipeline/report/terminal.h"

namespace pipeline {

struct Event {
  using Value = std::variant<std::string, std::uint64_t, double>;

  std::string_view
      name;  // start, retry, restart, failed, cancelled, skipped, uploaded, sent, note, stopping, progress
  std::string text;                                          // the line for people
  std::vector<std::pair<std::string_view, Value>> fields{};  // for JSON, after time and event; NaN: null
  Color color = Color::kNone;
};

// Returns the JSON object of the event, in one line.
std::string EventJson(const Event& event, std::string_view time);

// Not thread-safe.
class EventLog {
 public:
  // `log_fd` is the open log file, or -1 for none. Owns neither of them.
  EventLog(const ReportOptions& options, std::FILE* out, int log_fd);

  void Write(const Event& event);
  // Writes a JSON object to stderr only.
  void WriteJson(const Event& event);

 private:
  std::FILE* const out_;
  const int log_fd_;
  const bool is_terminal_;
  const bool has_colors_;
  const LogFormat out_format_, file_format_;
};

}  // namespace pipeline
