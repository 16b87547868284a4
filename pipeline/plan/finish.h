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

// Completes each shared object whose parts are all sent, counts the results of all shards, and writes
// summary.json. May be called at any time and repeatedly: it does not touch completed objects. If an upload
// is gone from the store, sends a HeadObject to find out whether an earlier call has completed it.
// `directory`: the directory of the plan. If `check_source` is true, walks the source again to find new
// inputs. `trace` may be null. Blocks. Memory: as much as ReadShard() needs for one shard, and 200 bytes for
// each part of the objects that are not completed.
FinishReport Finish(const JobPlan& plan, const Options& options, const s3::Options& s3_options,
                    const RunCredentials& credentials, const RunDirectory& directory, bool check_source,
                    StopControl* stop, s3::TraceLog* trace);

}  // namespace pipeline
