#include "pipeline/plan/planner.h"

#include <fmt/format.h>

#include "config/scalars.h"
#include "pipeline/cli/common.h"
#include "pipeline/cli/provide.h"
#include "pipeline/cli/signals.h"

namespace cli {

pipeline::ExitStatus Plan(const JobArguments& arguments, const PlanArguments& plan_arguments) {
  std::uint64_t bytes_per_second = 0;
  if (!plan_arguments.bandwidth.empty()) {
    const auto bandwidth = config::ParseSize(plan_arguments.bandwidth);
    if (!bandwidth) {
      PrintError("--bandwidth (bytes per second): " + bandwidth.error());
      return pipeline::kExitUsage;
    }
    bytes_per_second = *bandwidth;
  }
  auto loaded = LoadJob(arguments);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  auto& job = std::get<config::Job>(loaded);
  PrintNotes(job);
  job.pipeline.identity.kind = pipeline::RunKind::kPlan;
  const auto job_text = config::ReadTextFile(arguments.job_file);
  if (!job_text) {
    pipeline::PrintLines(stderr, config::FormatProblems(job_text.error()));
    return pipeline::kExitNoInput;
  }
  const auto trace = OpenTrace(job);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&trace)) return *status;
  auto* const log = std::get<0>(trace).get();
  pipeline::StopControl stop;
  const SignalThread signals(&stop);
  const auto credentials = ProvideCredentials(job, log, stop.drain_token());
  if (!credentials) {
    PrintError(credentials.error().message);
    return stop.cause() ? pipeline::ExitStatusOf({}, stop.cause(), false) : pipeline::kExitRefused;
  }
  const auto outcome = pipeline::MakePlan({plan_arguments.directory, plan_arguments.shards, *job_text},
                                          job.pipeline, job.s3, *credentials, &stop, log);
  if (!outcome.message.empty()) {
    PrintError(stop, outcome.message);
    return outcome.status;
  }
  pipeline::PrintLines(stdout, PlanText(outcome.plan, bytes_per_second,
                                        static_cast<std::uint64_t>(plan_arguments.requests_per_second)));
  Say(fmt::format(
      "to upload: s3flow run --plan {} --shard I/{}, or --shard auto in an array of elements 0-{}",
      plan_arguments.directory, plan_arguments.shards, plan_arguments.shards - 1));
  Say(fmt::format("then: s3flow finish {}", plan_arguments.directory));
  return WithText(outcome.status);
}

}  // namespace cli
