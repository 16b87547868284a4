// A dry run: what a run would upload and skip, with how many requests, at what price. Reads the store only if
// resume.skip needs that, and writes nothing anywhere.
#pragma once

#include <map>
#include <string>

#include "pipeline/options.h"
#include "pipeline/report/summary.h"
#include "pipeline/run/run.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/stop.h"

namespace pipeline {

struct DryRun {
  ExitStatus status = kExitOk;
  std::string message;  // why there is no result; empty when there is one
  std::uint64_t found = 0;
  std::uint64_t uploads = 0, upload_bytes = 0;
  std::map<std::string, std::uint64_t> skipped;   // by reason
  std::map<std::string, std::uint64_t> failed;    // by kind of error
  std::map<std::string, std::uint64_t> requests;  // that the run would send, by operation; without retries
  std::string skip_method;                        // how the run finds objects that exist; may be empty
};

// Blocks. `stop` may be used from any thread meanwhile; `trace` may be null.
DryRun RunDry(const Options& options, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace = nullptr);

// Returns lines for a person; with prices, the costs, too.
std::string DryRunText(const DryRun& run, const RequestPrices& prices);

}  // namespace pipeline
