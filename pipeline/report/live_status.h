// The state of a run at one moment, as a value, and its file status.json. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "pipeline/report/estimator.h"
#include "pipeline/report/summary.h"
#include "s3/base/result.h"
#include "s3/base/slot_time.h"

namespace pipeline {

inline constexpr char kStatusName[] = "status.json";                   // name in a run directory
inline constexpr std::string_view kStatusBegin = "{\n  \"schema\": ";  // of each status.json

enum class RunState {
  kWalking,   // looks for inputs; no upload has begun yet
  kRunning,   // uploads
  kWaiting,   // the store is away or full, and the run waits for it
  kDraining,  // finishes the requests in flight, and then stops
  kFinished,  // ended: every input is uploaded or skipped
  kFailed,    // ended: some inputs failed, or the run could not be completed
  kStopped,   // ended early: run again
};
// All states, with their names in status.json.
inline constexpr std::array<std::pair<RunState, std::string_view>, 7> kRunStates{{
    {RunState::kWalking, "walking"},
    {RunState::kRunning, "running"},
    {RunState::kWaiting, "waiting for the store"},
    {RunState::kDraining, "draining"},
    {RunState::kFinished, "finished"},
    {RunState::kFailed, "failed"},
    {RunState::kStopped, "stopped"},
}};
std::string_view StateName(RunState state);
bool HasEnded(RunState state);

struct LiveStatus {
  RunState state = RunState::kWalking;
  // The process of the session.
  std::string host;
  int process = 0;
  std::string shard;  // see RunRecord
  int session = 1;
  // Seconds since 1970: the start of the session; when these values were taken.
  std::int64_t started_s = 0, updated_s = 0;

  // Inputs of the run, with those that earlier sessions have done.
  std::uint64_t found = 0, uploaded = 0, skipped = 0, failed = 0, cancelled = 0, sent = 0;
  bool all_found = false;  // false: the walk goes on, so `found` and `bytes_found` still grow
  // `bytes_done`: the store has acknowledged them. `bytes_left_out`: of inputs that ended without an upload.
  std::uint64_t bytes_found = 0, bytes_done = 0, bytes_left_out = 0;
  // About how many inputs and bytes the run has; see Progress::expected. 0: not known.
  Work expected;

  // These values cover the present session only.
  std::uint64_t retries = 0, throttled = 0;
  int in_flight = 0;    // requests that carry data
  int concurrency = 0;  // the present limit of `in_flight`
  double bytes_per_s = 0, inputs_per_s = 0;
  // The estimate of the remaining time. It is a minimum unless knows_totals(). Nothing before the first
  // estimate, and for a run that has ended.
  std::optional<double> seconds_left;
  // Why the run is not faster: the description of an outage, or a name (see LimitOf()). Empty: unknown.
  std::string waiting_for;

  // Seconds that the session's slots have spent in each state. This value is not in status.json.
  s3::BySlotState<double> slot_seconds;

  double seconds_per_object = 0;  // see Sample; not in status.json

  // The inputs and bytes in the counts above that earlier sessions have done. Not in status.json.
  std::uint64_t inputs_before = 0, bytes_before = 0;

  // Only of a run that has ended.
  std::optional<int> exit_status;
  bool complete = false;  // every input has a result

  std::uint64_t done() const { return uploaded + skipped + failed + cancelled + sent; }
  // Returns true if All() is the whole work, at least approximately, and not only what was found so far.
  bool knows_totals() const { return all_found || (expected.inputs > 0 && expected.inputs >= found); }
  // Returns the inputs and bytes of the whole run: exact after the walk, before that an estimate. Without an
  // estimate, returns what was found so far.
  Work All() const;
  // See PercentDone().
  std::optional<double> Percent() const;
};

// Sets the counts and bytes of `status`: those of this session (`now`), plus the work that earlier sessions
// have done.
void FillCounts(const Progress& now, const Summary& earlier, LiveStatus* status);

// Returns the work of this session only, because the work of earlier sessions says nothing about the present
// speed. `seconds`: since the start of the session.
Sample SessionSample(const LiveStatus& status, double seconds);

// Returns the status of a run that has ended, with the final counts. `last`: its last status before the end.
// Its `updated_s` is `summary.ended_s`.
LiveStatus FinalStatus(LiveStatus last, const Summary& summary, ExitStatus status);

// Returns the content of status.json. Its keys are a contract with users' scripts.
std::string StatusJson(const LiveStatus& status);
// Parses the content of status.json. Fails with kLocal if `json` is no such document or has another schema.
s3::Result<LiveStatus> ParseStatus(std::string_view json);

}  // namespace pipeline
