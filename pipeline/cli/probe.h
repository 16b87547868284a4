// `s3flow check --probe`: asks the job's store, and says in a table what it takes.
#pragma once

#include "config/job.h"
#include "pipeline/summary.h"

namespace cli {

// 0 when objects and parts can be uploaded, 77 when the store refuses the credentials or the bucket.
pipeline::ExitStatus Probe(const config::Job& job);

}  // namespace cli
