// The credentials of a command, and how it gets fresh ones.
#pragma once

#include <stop_token>

#include "config/job.h"
#include "pipeline/run/run.h"

namespace cli {

// Asks the providers; what they warn of stands on stderr. Ends soon once a stop is requested.
// `trace` is not owned; null for none.
s3::Result<pipeline::RunCredentials> ProvideCredentials(const config::Job& job, s3::TraceLog* trace,
                                                        std::stop_token stop);

}  // namespace cli
