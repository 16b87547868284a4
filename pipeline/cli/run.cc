#include "pipeline/run.h"

#include <fmt/format.h>

#include "pipeline/cli/common.h"
#include "pipeline/cli/provide.h"
#include "pipeline/cli/signals.h"
#include "pipeline/dry_run.h"

namespace cli {

pipeline::ExitStatus Run(const JobArguments& arguments) {
  const auto loaded = LoadJob(arguments);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  const auto& job = std::get<config::Job>(loaded);
  if (arguments.resume && job.pipeline.report.run_dir.empty()) {
    Complain("--resume needs the run directory: --run-dir or report.run_dir");
    return pipeline::kExitUsage;
  }
  const auto trace = OpenTrace(job);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&trace)) return *status;
  auto* const log = std::get<0>(trace).get();
  pipeline::StopControl stop;
  const SignalThread signals(&stop);
  const auto credentials = ProvideCredentials(job, log, stop.drain_token());
  if (!credentials) {
    Complain(credentials.error().message);
    return stop.cause() ? pipeline::ExitStatusOf({}, stop.cause(), false) : pipeline::kExitRefused;
  }
  if (arguments.dry_run) {
    const auto plan = pipeline::RunDry(job.pipeline, job.s3, *credentials, &stop, log);
    if (!plan.message.empty()) {
      Complain(plan.message);
    } else {
      fmt::print("{}", pipeline::DryRunText(plan, job.pipeline.report.prices));
    }
    return plan.status;
  }
  const auto run = pipeline::Run(job.pipeline, job.s3, *credentials, &stop, log);
  PrintRunResult(run, stop);
  return run.status;
}

}  // namespace cli
