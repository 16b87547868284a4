// What several commands do the same way.
#pragma once

#include <memory>
#include <variant>

#include "config/job.h"
#include "pipeline/cli/commands.h"
#include "pipeline/fs/own_dir.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/report/terminal.h"
#include "pipeline/run/run.h"
#include "s3/endpoint/options.h"
#include "s3/transport/trace.h"

namespace cli {

// The job with --set, --run-dir and --verbose applied; or, with all problems on stderr, the status
// to leave with: 66 for a file that is not there, 78 for one that is wrong.
std::variant<config::Job, pipeline::ExitStatus> LoadJob(const JobArguments& arguments);

// The same for a job file, in `directory`, that the records of a run or a plan name: 74 when it is not to be
// trusted.
std::variant<config::Job, pipeline::ExitStatus> LoadNamedJob(const pipeline::OwnDir& directory,
                                                             JobArguments arguments);

struct PlannedJob {
  pipeline::JobPlan plan;
  config::Job job;
};
// The plan in a directory with its job as it was planned; or the status to leave with: 66 when there is none,
// 74 when it is damaged or not to be trusted, 78 when the job means something else here, through the
// environment, say.
std::variant<PlannedJob, pipeline::ExitStatus> LoadPlannedJob(const std::string& plan_dir,
                                                              pipeline::Trust trust);

pipeline::Trust TrustOf(bool trust_dir);

// The job of a run: all of it, or a shard of it, from its file or from a plan.
std::variant<config::Job, pipeline::ExitStatus> LoadRun(const JobArguments& arguments);

// The log that the job asks for; null when it asks for none.
std::variant<std::unique_ptr<s3::TraceLog>, pipeline::ExitStatus> OpenTrace(const config::Job& job);

// Latency, bandwidth and faults put into `options`; false, with the problems on stderr, when one
// of them is wrong.
bool ApplyEndpointArguments(const EndpointArguments& arguments, s3::endpoint::ServerOptions* options);

// Prints to stderr which settings of the environment or of AWS's files are not used. Call it once per
// command.
void PrintNotes(const config::Job& job);

// One line on stdout.
void Say(std::string_view line);

// "s3flow: TEXT" on stderr, one line.
void PrintError(std::string_view text);
// The same; when the store was away or full for too long, that is said instead.
void PrintError(const pipeline::StopControl& stop, const std::string& text);

// `status`; but 74, with the reason on stderr, when stdout did not take all of a text that the command was
// called for and nothing else went wrong.
pipeline::ExitStatus WithText(pipeline::ExitStatus status);

// The end of every run: the summary, where the records are, why it stopped if it did, and how to resume it. A
// rehearsal cannot be resumed.
void PrintRunResult(const pipeline::RunResult& run, const pipeline::StopControl& stop,
                    pipeline::RunKind kind);

}  // namespace cli
