// A dry run: finds out what a run would upload and skip, and counts its requests and their price. Sends
// requests only if resume.skip needs them. Writes nothing.
#pragma once

#include <functional>
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
  std::map<std::string, std::uint64_t> skipped;  // by reason
  std::map<std::string, std::uint64_t> failed;   // by kind of error
  std::map<std::string, std::uint64_t>
      requests;             // by operation, without retries: requests that the run would send
  std::string skip_method;  // how the run finds existing objects; empty: the run does not look for them
};

// Gets what the run would do with each input, in any order; one call at a time. Inputs that the journal says
// are done are left out.
using ShowInput = std::function<void(const ObjectResult& result)>;

// Blocks. Other threads may use `stop` at the same time. `trace` and `show` may be null. Owns none of the
// arguments.
DryRun RunDry(const Options& options, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace = nullptr, const ShowInput& show = nullptr);

// Returns a line for a person: "would upload data/a to raw/a (1.2 MiB)", "would skip data/b: a FIFO".
std::string DryRunLine(const ObjectResult& result);

// Returns lines for a person. If prices are given, the lines include the costs.
std::string DryRunText(const DryRun& run, const RequestPrices& prices);

}  // namespace pipeline
