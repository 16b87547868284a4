// Where a command gets its credentials, and fresh ones before they expire.
#pragma once

#include <stop_token>

#include "config/job.h"
#include "pipeline/run/run.h"

namespace cli {

// Asks the credential providers. Blocks, but returns soon once `stop` is requested. Warnings of the first
// call go to stderr. `trace` is not owned and must outlive the result; null for none.
s3::Result<pipeline::RunCredentials> ProvideCredentials(const config::Job& job, s3::TraceLog* trace,
                                                        std::stop_token stop);

}  // namespace cli
