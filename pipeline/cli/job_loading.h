// Turns command-line arguments into the job of a command: reads the job file, applies --set and the arguments
// that change options.
#pragma once

#include "config/job.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/exit_error.h"
#include "pipeline/fs/own_dir.h"
#include "pipeline/plan/job_plan.h"

namespace cli {

pipeline::Trust TrustOf(bool trust_dir);

// The name of standard input as a job file or a stream.
inline constexpr char kStandardInputName[] = "-";

// Returns true if the job is standard input, a FIFO or similar, which can be read only once.
bool IsStream(const std::string& job_file);

// Returns the text of a job file, or of standard input for "-". Fails with exit status 66 if it cannot be
// read, and with 78 if it is a directory. A stream can be read only once, so a command that also uses the
// text puts it into JobArguments::job_text before it calls LoadJob().
tl::expected<std::string, ExitError> ReadJobText(const std::string& job_file);

// Loads the job file, applies the arguments, and reduces threads and memory to what the process may use.
// Fails with exit status 66 if the file cannot be read, and with 78 and one line for each mistake if it is
// wrong. It is a mistake if a source is the stream that the job was read from.
tl::expected<config::Job, ExitError> LoadJob(const JobArguments& arguments);

// Loads a job file in `directory` that the user did not name, but that the records of a run or plan name.
// Fails as LoadJob() does, and with 74 if the file cannot be trusted.
tl::expected<config::Job, ExitError> LoadNamedJob(const pipeline::OwnDir& directory, JobArguments arguments);

struct PlannedJob {
  pipeline::JobPlan plan;
  config::Job job;
};

// Loads a plan and its job. Fails with 66 if there is no plan, with 74 if it is damaged or cannot be trusted,
// and with 78 if its job file gives other settings than when the plan was made, for example because the
// environment differs.
tl::expected<PlannedJob, ExitError> LoadPlannedJob(const std::string& plan_dir, pipeline::Trust trust,
                                                   const ReportArguments& report = {});

// Loads the job of `s3flow run`: the whole job or a shard of it, from a job file or a plan. Fails as the
// functions above do, and with 64 if the arguments contradict each other or name no shard.
tl::expected<config::Job, ExitError> LoadRun(const JobArguments& arguments);

}  // namespace cli
