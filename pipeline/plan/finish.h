// The end of a plan: completes the objects that several shards have sent, and proves that no input is
// missing.
#pragma once

#include "pipeline/journal/run_dir.h"
#include "pipeline/options.h"
#include "pipeline/plan/finish_report.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/stop.h"
#include "s3/options.h"
#include "s3/transport/trace.h"

namespace pipeline {

// May be called at any time and repeatedly: objects that were completed are left alone, and if a response was
// lost, the store is asked for the object. `directory`: the plan's. `check_source`: walks the source again to
// find new inputs. `trace` may be null. Writes summary.json. Blocks. Memory: that of ReadShard, and 200 bytes
// for each part of the objects that are not completed.
FinishReport Finish(const JobPlan& plan, const Options& options, const s3::Options& s3_options,
                    const RunCredentials& credentials, const RunDirectory& directory, bool check_source,
                    StopControl* stop, s3::TraceLog* trace);

}  // namespace pipeline
