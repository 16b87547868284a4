// A rehearsal on paper: what a run would upload and skip, with which requests, at which price. Reads the
// store where resume.skip says so, writes nothing anywhere.
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
  std::string message;  // why it came to no end; empty when it did
  std::uint64_t found = 0;
  std::uint64_t uploads = 0, upload_bytes = 0;
  std::map<std::string, std::uint64_t> skipped;   // by reason
  std::map<std::string, std::uint64_t> failed;    // by message's kind
  std::map<std::string, std::uint64_t> requests;  // that the run would make, by operation; no retries
  std::string skip_plan;                          // how what is there is found out; may be empty
};

DryRun RunDry(const Options& options, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace = nullptr);

// Lines for a person, cost included when there are prices.
std::string DryRunText(const DryRun& run, const RequestPrices& prices);

}  // namespace pipeline
