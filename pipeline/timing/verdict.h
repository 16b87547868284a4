// Says in words what limited the speed of a run. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "s3/base/slot_time.h"
#include "s3/client/latencies.h"

namespace pipeline {

// The measurements of one session.
struct Evidence {
  s3::BySlotState<double> slot_seconds;
  double seconds = 0;      // how long the graph ran
  double cpu_seconds = 0;  // of all threads of the process
  int cores = 1;           // that the session may use
  int max_slots = 0;
  std::string_view slot_limit = "upload.concurrency";  // what sets max_slots, for a person; a literal
  std::optional<s3::LatencyStats> latency;             // of the requests that carried data
};

// `limit` is one of these names: "store", "network", "connecting", "source", "reading", "cpu", "memory",
// "bandwidth", "request_rate", "throttling", "outage", "retries", "siblings", "journal", "concurrency".
// "none": no single cause explains most of the time. Scripts may rely on the names.
struct Verdict {
  std::string_view limit = "none";
  std::string text;  // one line for a person, with the evidence; empty if nothing was measured
};

// Gives a verdict only if one cause explains at least half of the time of the slots that had or wanted work,
// and at least twice as much as any other cause, and if the session took at least 0.2 s. Time in which the
// source was exhausted does not count. If the process kept nearly all cores busy, the limit is the CPU even
// if the slots waited for the network, because responses wait for threads, too.
Verdict VerdictOf(const Evidence& evidence);

// Returns the name of the present limit, from the slot-seconds of the last few seconds: what a run waits for.
// `busy_share`: the CPU time of the process in these seconds, as a share of the cores' time. Never
// "concurrency". Empty: no single cause. Pass the slot-seconds of at least 0.2 s.
std::string_view LimitOf(const s3::BySlotState<double>& slot_seconds, double busy_share);
// Returns what a run with this limit waits for, for a person; empty for an unknown limit.
std::string_view PhraseOf(std::string_view limit);

}  // namespace pipeline
