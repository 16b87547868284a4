// Checks what a run needs before it opens its directory or sends a request: destination, inputs, rules,
// process limits.
#pragma once

#include <vector>

#include "pipeline/graph/concurrency_controller.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/options.h"
#include "pipeline/upload/property_rules.h"
#include "s3/options.h"
#include "s3/stores/address.h"

namespace pipeline {

struct RunSetup {
  Options options;                         // with threads and memory reduced to what the process limits allow
  std::vector<s3::BucketAddress> buckets;  // at least one
  PropertyRules rules;
  SlotLimits slots;  // reduced in the same way
};

// Returns the setup of a run, or why the run cannot start and the exit status for that: a bad destination or
// rule (78), inputs that cannot be read (66), process limits that are too small (71). Starts threads for a
// moment, to count them.
tl::expected<RunSetup, Refusal> SetUpRun(const Options& options, const s3::Options& s3_options);

// Returns the number of event loops: from the options, or else from s3::EventLoopCount().
int EventLoopsOf(const UploadOptions& options, const s3::Endpoint& endpoint);

}  // namespace pipeline
