#include <fmt/format.h>

#include "config/scalars.h"
#include "pipeline/cli/command_context.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/job_loading.h"
#include "pipeline/cli/output.h"
#include "pipeline/plan/planner.h"
#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"

namespace cli {
namespace {

// Returns --bandwidth in bytes per second; 0 if it is not given.
tl::expected<std::uint64_t, ExitError> BandwidthOf(const PlanArguments& arguments) {
  if (arguments.bandwidth.empty()) return 0;
  const auto bandwidth = config::ParseSize(arguments.bandwidth);
  if (!bandwidth) return Fail(pipeline::kExitUsage, "--bandwidth (bytes per second): " + bandwidth.error());
  return *bandwidth;
}

}  // namespace

CommandResult Plan(const JobArguments& arguments, const PlanArguments& plan_arguments) {
  const auto bytes_per_second = BandwidthOf(plan_arguments);
  if (!bytes_per_second) return tl::unexpected(bytes_per_second.error());
  const auto job_text = ReadJobText(arguments.job_file);
  if (!job_text) return tl::unexpected(job_text.error());
  auto with_text = arguments;
  with_text.job_text = *job_text;
  auto job = LoadJob(with_text);
  if (!job) return tl::unexpected(job.error());
  PrintNotes(*job);
  job->pipeline.identity.kind = pipeline::RunKind::kPlan;

  CommandContext context;
  if (const auto opened = context.OpenTrace(*job); !opened) return tl::unexpected(opened.error());
  const auto credentials = context.FetchCredentials(*job);
  if (!credentials) return tl::unexpected(credentials.error());
  const int shards = plan_arguments.shards;
  const auto& directory = plan_arguments.directory;
  const auto outcome = pipeline::MakePlan({directory, shards, *job_text}, job->pipeline, job->s3,
                                          *credentials, context.stop(), context.trace());
  if (!outcome.message.empty()) return Fail(outcome.status, context.ReasonOr(outcome.message));

  const auto requests_per_second = static_cast<std::uint64_t>(plan_arguments.requests_per_second);
  pipeline::PrintLines(stdout, PlanText(outcome.plan, *bytes_per_second, requests_per_second));
  Say(fmt::format(
      "to upload: s3flow run --plan {} --shard I/{}, for each I from 0 to {}; or --shard auto in a "
      "job array 0-{} (LSF: 1-{})",
      directory, shards, shards - 1, shards - 1, shards));
  Say(fmt::format("then: s3flow finish {}", directory));
  if (const auto& [count, first] = outcome.unreadable; count > 0) {
    PrintError(fmt::format("the plan may lack inputs, because {} could not be read: {}{}",
                           pipeline::Counted(count, "directory or list", "directories or lists"),
                           pipeline::Printable(first), count > 1 ? " ..." : ""));
  }
  return UnlessStdoutFailed(outcome.status);
}

}  // namespace cli
