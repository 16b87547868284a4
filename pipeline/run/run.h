// Runs a whole job: options in, exit status out. Opens the run directory, runs one session, and records the
// end.
#pragma once

#include <string>

#include "pipeline/options.h"
#include "pipeline/report/summary.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/stop.h"
#include "s3/options.h"
#include "s3/transport/trace.h"

namespace pipeline {

struct RunResult {
  ExitStatus status = kExitOk;
  Summary summary;
  std::string run_dir;
  bool has_records = false;      // true if the run has begun: run_dir has its journal
  std::string run_dir_argument;  // the --run-dir that resumes the run; empty: the same command resumes it
  // Why the run did not start or was stopped; one line, or empty.
  std::string message;
};

// Copies the job's rate limits to `limits`. Thread-safe. Call it at the start, and when a running job's
// limits are read again (SIGHUP).
void SetRateLimits(const LimitOptions& options, s3::RateLimits* limits);

// Uploads every input of the source that no earlier session of the run directory has done. Blocks. Shows
// progress and events on stderr; writes the journal and summary.json to the run directory. Other threads may
// use `stop` and change `limits` at the same time. `trace` records every request; null for none. With a null
// `limits`, the limits in the options apply. A shard of a plan also sets `limits->sharers`. Owns none of the
// arguments.
RunResult Run(const Options& options, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace = nullptr, s3::RateLimits* limits = nullptr);

}  // namespace pipeline
