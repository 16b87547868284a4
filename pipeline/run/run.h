// A whole run: options in, exit status out.
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
  std::string run_dir_argument;  // what --run-dir has to say to resume it; empty: the same command does
  // Why the run did not begin or was stopped; one line, empty when there is nothing to say.
  std::string message;
};

// To begin with, and again when a job's limits are read anew while it runs.
void SetRateLimits(const LimitOptions& options, s3::RateLimits* limits);

// Uploads everything the source finds and earlier sessions of the run directory have not settled. Shows
// progress and events on stderr; writes the journal and summary.json to the run directory. `stop` may be used
// from any thread meanwhile. `trace` is told of every request; null for none. `limits` may change meanwhile;
// null for those of the options. A shard of a plan sets its `sharers`.
RunResult Run(const Options& options, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace = nullptr, s3::RateLimits* limits = nullptr);

}  // namespace pipeline
