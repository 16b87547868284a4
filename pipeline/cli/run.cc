#include "pipeline/run/run.h"

#include <fmt/format.h>

#include "pipeline/cli/common.h"
#include "pipeline/cli/provide.h"
#include "pipeline/cli/signals.h"
#include "pipeline/run/dry_run.h"

namespace cli {
namespace {

// A job file with a mistake changes nothing.
void ReadLimitsAgain(const JobArguments& arguments, s3::RateLimits* limits) {
  const auto loaded = LoadRun(arguments);
  if (!std::holds_alternative<config::Job>(loaded)) return PrintError("SIGHUP: the limits stay as they are");
  const auto& read = std::get<config::Job>(loaded).pipeline.limits;
  pipeline::SetRateLimits(read, limits);
  const auto shown = [](std::uint64_t limit) { return limit == 0 ? "none" : fmt::format("{}", limit); };
  PrintError(fmt::format("SIGHUP: limits.bandwidth is {}, limits.requests_per_second is {}",
                         shown(read.bandwidth_bytes),
                         shown(static_cast<std::uint64_t>(read.requests_per_second))));
}

}  // namespace

pipeline::ExitStatus Run(const JobArguments& arguments) {
  const auto loaded = LoadRun(arguments);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  const auto& job = std::get<config::Job>(loaded);
  PrintNotes(job);
  if (arguments.resume && job.pipeline.report.run_dir.empty()) {
    PrintError("--resume needs the run directory: --run-dir or report.run_dir");
    return pipeline::kExitUsage;
  }
  const auto trace = OpenTrace(job);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&trace)) return *status;
  auto* const log = std::get<0>(trace).get();
  pipeline::StopControl stop;
  s3::RateLimits limits;
  pipeline::SetRateLimits(job.pipeline.limits, &limits);
  const SignalThread signals(&stop, [&] { ReadLimitsAgain(arguments, &limits); });
  const auto credentials = ProvideCredentials(job, log, stop.drain_token());
  if (!credentials) {
    PrintError(credentials.error().message);
    return stop.cause() ? pipeline::ExitStatusOf({}, stop.cause(), false) : pipeline::kExitRefused;
  }
  if (arguments.dry_run) {
    const auto plan = pipeline::RunDry(job.pipeline, job.s3, *credentials, &stop, log);
    if (!plan.message.empty()) {
      PrintError(plan.message);
    } else {
      pipeline::PrintLines(stdout, pipeline::DryRunText(plan, job.pipeline.report.prices));
    }
    return WithText(plan.status);
  }
  const auto run = pipeline::Run(job.pipeline, job.s3, *credentials, &stop, log, &limits);
  PrintRunResult(run, stop, job.pipeline.identity.kind);
  return run.status;
}

}  // namespace cli
