// The totals of a run, and the exit status that is computed from them. Plain values; pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/message.h"
#include "pipeline/report/causes.h"
#include "pipeline/stop.h"
#include "pipeline/timing/verdict.h"
#include "s3/base/slot_time.h"
#include "s3/client/latencies.h"

namespace pipeline {

// From 64 on, most values have the meaning of https://man.freebsd.org/cgi/man.cgi?sysexits.
enum ExitStatus : int {
  kExitOk = 0,          // every input uploaded or skipped
  kExitSomeFailed = 1,  // the run finished, but some objects failed
  kExitUsage = 64,
  kExitNoInput = 66,
  kExitBroken = 70,        // the counts do not add up: a defect in s3flow
  kExitSystem = 71,        // the process limits are too small for a run
  kExitJournal = 74,       // the journal or a report could not be written
  kExitStopped = 75,       // stopped early; work is left, so the user should run it again
  kExitRefused = 77,       // the store refused the credentials or the access for the whole run
  kExitConfig = 78,        // bad job file, or the directory belongs to another run, plan or program
  kExitInterrupted = 130,  // stopped by SIGINT; work is left
};

struct Summary {
  // Inputs, each counted once: found = uploaded + skipped + failed + cancelled + sent.
  std::uint64_t found = 0;
  std::uint64_t uploaded = 0;
  std::uint64_t skipped = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t sent = 0;  // ranges of parts; `s3flow finish` completes their objects

  std::uint64_t uploaded_bytes = 0;  // the sum over `uploaded` and `sent`
  std::uint64_t found_bytes = 0;     // of the inputs in `found`, except inputs that earlier sessions skipped
  // How much earlier sessions of the run have contributed to the counts above.
  std::uint64_t found_before = 0, uploaded_before = 0, skipped_before = 0, sent_before = 0;
  std::uint64_t uploaded_bytes_before = 0;

  // All fields below are about this session only.
  int session = 1;
  std::uint64_t retries = 0;
  std::uint64_t reused_parts = 0;  // already in the store with an equal digest, so not sent again
  std::uint64_t credential_renewals = 0;
  std::uint64_t stragglers = 0;  // requests sent again because they were far too slow
  std::map<std::string, std::uint64_t> failures_by_kind;
  Causes failures, skips;          // of this session, by cause
  std::uint64_t uploads_left = 0;  // multipart uploads that could not be aborted; `s3flow clean` tries again
  bool journal_agrees = true;      // false if the journal, read again at the end, has other counts
  bool source_exhausted = false;   // false if the run stopped before every input was handed out
  std::chrono::duration<double> seconds{0};
  std::int64_t started_s = 0, ended_s = 0;  // seconds since 1970
  std::string host;                         // where the session ran
  std::string job_file;                     // absolute path; "-": a stream; empty: unknown
  std::string endpoint, bucket, prefix;     // the destination; `endpoint` is a URL
  std::uint64_t peak_memory_bytes = 0;      // resident memory of the process
  std::string transport;                    // "libcurl" or "direct"
  std::string shard;                        // see RunRecord
  std::map<std::string, std::string> scheduler;
  // Pairs of (seconds since the start, number of slots), one for each change of that number; see
  // pipeline/graph/concurrency_controller.h.
  std::vector<std::pair<double, int>> slots;
  s3::BySlotState<double> slot_seconds;  // where the time of the slots went
  Verdict verdict;                       // what limited the speed
  std::vector<s3::LatencyStats> latency;

  void Count(const ObjectResult& result);
  // Adds the result to `failures` or `skips`. Needs the result's file, which results from a journal do not
  // have.
  void CountCause(const ObjectResult& result);
  // Adds the inputs that earlier sessions have finished.
  void AddEarlier(const Summary& earlier);
  bool AddsUp() const { return journal_agrees && found == uploaded + skipped + failed + cancelled + sent; }
  bool WorkLeft() const { return !source_exhausted || cancelled > 0; }
};

// Returns the exit status of a run. `stopped`: the cause if the run stopped early, else nothing.
// `may_be_empty`: true if a run without any input is a success.
ExitStatus ExitStatusOf(const Summary& summary, std::optional<StopCause> stopped, bool may_be_empty);

// Returns the exit status of a command that was stopped before any input had a result.
ExitStatus ExitStatusOf(StopCause stopped);

// Returns fewer than 15 lines for a person, each with a newline at its end: whether the run succeeded, the
// counts, what failed and what was skipped by cause, and what was unusual.
std::string HumanSummary(const Summary& summary, std::optional<StopCause> stopped);

// Returns the JSON document of summary.json. Its keys are a contract with users' scripts.
std::string SummaryJson(const Summary& summary, ExitStatus status);
// Returns the keys that summary.json shares with the JSON of `s3flow report`.
nlohmann::ordered_json SharedJson(const Summary& summary);

}  // namespace pipeline
