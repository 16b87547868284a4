#include "pipeline/run.h"

#include "pipeline/cli/common.h"
#include "pipeline/cli/signals.h"
#include "s3/credentials.h"

namespace cli {

pipeline::ExitStatus Run(const JobArguments& arguments) {
  const auto loaded = LoadJob(arguments);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  const auto& job = std::get<config::Job>(loaded);
  const auto credentials = s3::LoadCredentials(job.s3.credentials, s3::ProcessEnvironment());
  if (!credentials) {
    Complain(credentials.error().message);
    return pipeline::kExitRefused;
  }
  pipeline::StopControl stop;
  const SignalThread signals(&stop);
  const auto run = pipeline::Run(job.pipeline, job.s3, *credentials, &stop);
  PrintRunResult(run, stop);
  return run.status;
}

}  // namespace cli
