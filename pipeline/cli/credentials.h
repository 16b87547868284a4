// Gets a command's credentials, and renews them before they expire.
#pragma once

#include <stop_token>

#include "config/job.h"
#include "pipeline/run/run.h"

namespace cli {

// Asks the credential providers. Blocks, but returns soon after `stop` is requested. Only this first call
// prints warnings to stderr; renewals print none. `trace` is not owned and must outlive the result; null for
// none.
s3::Result<pipeline::RunCredentials> ProvideCredentials(const config::Job& job, s3::TraceLog* trace,
                                                        std::stop_token stop);

}  // namespace cli
