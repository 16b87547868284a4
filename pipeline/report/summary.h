// The totals of a run, and what they mean for the caller. Values; pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/message.h"
#include "pipeline/stop.h"

namespace pipeline {

// https://man.freebsd.org/cgi/man.cgi?sysexits names most of them.
enum ExitStatus : int {
  kExitOk = 0,          // all uploaded or skipped
  kExitSomeFailed = 1,  // the run finished and some objects failed
  kExitUsage = 64,
  kExitNoInput = 66,
  kExitBroken = 70,        // the counts do not add up: a defect in s3flow
  kExitSystem = 71,        // the system does not let this process have what a run needs
  kExitJournal = 74,       // the journal or a report could not be written
  kExitStopped = 75,       // stopped early with work left: run again
  kExitRefused = 77,       // credentials or access refused for the whole run
  kExitConfig = 78,        // bad job file
  kExitInterrupted = 130,  // SIGINT, drained
};

struct Summary {
  std::uint64_t found = 0;
  std::uint64_t uploaded = 0;
  std::uint64_t skipped = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t sent = 0;            // parts of objects that `finish` completes
  std::uint64_t uploaded_bytes = 0;  // with those sent
  // Of these, the inputs that earlier sessions of the run have settled; `retries` and the rest are this
  // session's.
  std::uint64_t settled_before = 0, uploaded_before = 0, skipped_before = 0, sent_before = 0;
  std::uint64_t uploaded_bytes_before = 0;
  int session = 1;
  std::uint64_t retries = 0;
  std::uint64_t reused_parts = 0;  // in the store already, and compared
  std::uint64_t credential_renewals = 0;
  std::uint64_t stragglers = 0;  // requests that were sent once more, being far slower than their peers
  std::map<std::string, std::uint64_t> failures_by_kind;
  std::uint64_t uploads_left = 0;  // multipart uploads that could not be ended; `clean` tries again
  bool journal_agrees = true;      // it was read once more, and says what was counted
  bool source_exhausted = false;   // false: stopped before the walk had handed out all it finds
  std::chrono::duration<double> seconds{0};
  std::uint64_t peak_memory_bytes = 0;  // of the process, resident
  std::string shard;                    // see RunRecord
  std::map<std::string, std::string> scheduler;
  // (seconds since the beginning, slots in circulation) where that number changed; see
  // pipeline/graph/concurrency_controller.h.
  std::vector<std::pair<double, int>> slots;

  void Count(const ObjectResult& result);
  // Adds the inputs that earlier sessions have settled.
  void AddSettled(const Summary& earlier);
  bool AddsUp() const { return journal_agrees && found == uploaded + skipped + failed + cancelled + sent; }
  bool WorkLeft() const { return !source_exhausted || cancelled > 0; }
};

// `empty_is_fine`: every root allows to find nothing.
ExitStatus ExitStatusOf(const Summary& summary, std::optional<StopCause> stopped, bool empty_is_fine);

// A few lines for a person; ends in a newline.
std::string HumanSummary(const Summary& summary, std::optional<StopCause> stopped);

// One JSON document; the keys are the contract of summary.json.
std::string SummaryJson(const Summary& summary, ExitStatus status);

// The most memory this process has had resident so far; 0 when the system does not say.
std::uint64_t PeakMemoryBytes();

// "1.5 MiB"
std::string HumanBytes(double bytes);

}  // namespace pipeline
