#include "pipeline/report/metrics.h"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include "s3/base/printable.h"

namespace pipeline {
namespace {

// Escapes a label value, as OpenMetrics wants it. Bytes that are not UTF-8 become readable text first.
std::string Quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : s3::Printable(value)) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

// `unit` may be empty. If it is not, `name` must end with it.
std::string Head(std::string_view name, std::string_view unit, std::string_view help) {
  auto text = fmt::format("# TYPE {} gauge\n", name);
  if (!unit.empty()) text += fmt::format("# UNIT {} {}\n", name, unit);
  return text + fmt::format("# HELP {} {}\n", name, help);
}

template <typename T>
std::string Gauge(std::string_view name, std::string_view unit, std::string_view help, T value) {
  return Head(name, unit, help) + fmt::format("{} {}\n", name, value);
}

std::string States(RunState now) {
  auto text = Head("s3flow_state", "", "The state of the run is the one with the value 1.");
  for (const auto& [state, name] : kRunStates) {
    text += fmt::format("s3flow_state{{state={}}} {}\n", Quoted(name), state == now ? 1 : 0);
  }
  return text;
}

std::string Inputs(const LiveStatus& status) {
  auto text = Head("s3flow_inputs", "inputs",
                   "Inputs of the run that have a result, by outcome. Grows during a session.");
  const auto add = [&](std::string_view outcome, std::uint64_t count) {
    text += fmt::format("s3flow_inputs{{outcome=\"{}\"}} {}\n", outcome, count);
  };
  add("uploaded", status.uploaded);
  add("skipped", status.skipped);
  add("failed", status.failed);
  add("cancelled", status.cancelled);
  add("sent", status.sent);
  return text;
}

std::string SlotSeconds(const s3::BySlotState<double>& seconds) {
  auto text = Head("s3flow_slot_seconds", "seconds",
                   "Seconds that the session's slots spent in each state. Grows during a session.");
  for (std::size_t i = 0; i < s3::kSlotStates; ++i) {
    text += fmt::format("s3flow_slot_seconds{{state=\"{}\"}} {:.6f}\n",
                        s3::NameOf(static_cast<s3::SlotState>(i)), seconds.values[i]);
  }
  return text;
}

}  // namespace

std::string MetricsText(const LiveStatus& status) {
  auto text = Head("s3flow_run_info", "", "The process of the run's present session.");
  text += fmt::format("s3flow_run_info{{host={},pid=\"{}\",session=\"{}\",shard={},version={}}} 1\n",
                      Quoted(status.host), status.process, status.session, Quoted(status.shard),
                      Quoted(S3FLOW_VERSION));
  text += States(status.state);
  text += Inputs(status);
  text += Gauge("s3flow_found_inputs", "inputs", "Inputs that the walk has found so far.", status.found);
  text += Gauge("s3flow_walk_ended", "", "1 when the walk has found all inputs.", status.all_found ? 1 : 0);
  if (status.knows_totals()) {
    text += Gauge("s3flow_expected_inputs", "inputs",
                  "All inputs of the run; an estimate until s3flow_walk_ended is 1.", status.All().inputs);
  }
  text += Gauge("s3flow_found_bytes", "bytes", "Size of the inputs that the walk has found so far.",
                status.bytes_found);
  text += Gauge("s3flow_sent_bytes", "bytes",
                "Bytes that the store has acknowledged. Grows during a session.", status.bytes_done);
  text +=
      Gauge("s3flow_rate_bytes_per_second", "bytes_per_second",
            "Bytes per second over the last 20 s; after the end, of the whole session.", status.bytes_per_s);
  text += Gauge("s3flow_rate_inputs_per_second", "inputs_per_second",
                "Inputs per second over the last 20 s; after the end, of the whole session.",
                status.inputs_per_s);
  if (status.seconds_left) {
    text += Gauge("s3flow_left_seconds", "seconds",
                  "Estimate of the remaining time; a minimum while s3flow_expected_inputs is missing.",
                  *status.seconds_left);
  }
  text += Gauge("s3flow_in_flight_requests", "requests",
                "Files and parts that are being uploaded, including those that wait for a retry or a limit.",
                status.in_flight);
  text += Gauge("s3flow_concurrency_limit_requests", "requests", "The present limit of requests in flight.",
                status.concurrency);
  text +=
      Gauge("s3flow_retries", "", "Attempts after the first one. Grows during a session.", status.retries);
  text += Gauge("s3flow_throttled_responses", "responses",
                "Responses that asked for fewer requests. Grows during a session.", status.throttled);
  text += Gauge("s3flow_started_timestamp_seconds", "seconds", "When the session began, since 1970.",
                status.started_s);
  text += Gauge("s3flow_updated_timestamp_seconds", "seconds", "When these values were taken, since 1970.",
                status.updated_s);
  text += SlotSeconds(status.slot_seconds);
  if (status.exit_status) {
    text += Gauge("s3flow_exit_status", "", "Exit status of a run that has ended.", *status.exit_status);
  }
  return text + "# EOF\n";
}

}  // namespace pipeline
