// A whole run: options in, exit status out. Opens the run directory, runs one session, records the end.
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
  std::string run_dir_argument;  // the --run-dir that resumes the run; empty: the same command resumes it
  // Why the run did not start or was stopped; one line, or empty.
  std::string message;
};

// Copies the job's rate limits; any thread. Called at the start, and when the limits of a running job are
// read again (SIGHUP).
void SetRateLimits(const LimitOptions& options, s3::RateLimits* limits);

// Uploads every input that the source finds and that no earlier session of the run directory has finished.
// Blocks. Shows progress and events on stderr; writes the journal and summary.json to the run directory.
// `stop` may be used from any thread meanwhile. `trace` gets every request; null for none. `limits` may
// change meanwhile; null means those of the options. A shard of a plan also sets `limits->sharers`.
RunResult Run(const Options& options, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace = nullptr, s3::RateLimits* limits = nullptr);

}  // namespace pipeline
