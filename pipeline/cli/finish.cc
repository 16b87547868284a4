#include "pipeline/plan/finish.h"

#include <fmt/format.h>

#include "pipeline/cli/common.h"
#include "pipeline/cli/provide.h"
#include "pipeline/cli/signals.h"

namespace cli {

pipeline::ExitStatus Finish(const FinishArguments& arguments) {
  const auto planned = LoadPlannedJob(arguments.directory, TrustOf(arguments.trust_dir));
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&planned)) return *status;
  auto [plan, job] = std::get<PlannedJob>(planned);
  PrintNotes(job);
  if (!arguments.trace_http.empty()) job.pipeline.report.trace_http = arguments.trace_http;
  const auto trace = OpenTrace(job);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&trace)) return *status;
  auto* const log = std::get<0>(trace).get();
  pipeline::StopControl stop;
  const SignalThread signals(&stop);
  const auto directory = pipeline::RunDirectory::OpenExisting(
      arguments.directory, TrustOf(arguments.trust_dir), [&stop](const s3::Error& error) {
        stop.Drain(pipeline::StopCause::kJournalFailed, "cannot write the journal: " + error.message);
      });
  if (!directory) {
    PrintError(directory.error().message);
    return directory.error().status;
  }
  const auto credentials = ProvideCredentials(job, log, stop.drain_token());
  if (!credentials) {
    PrintError(credentials.error().message);
    return stop.cause() ? pipeline::ExitStatusOf({}, stop.cause(), false) : pipeline::kExitRefused;
  }
  const auto report = pipeline::Finish(plan, job.pipeline, job.s3, *credentials, *directory,
                                       arguments.check_source, &stop, log);
  if (report.found > 0) pipeline::PrintLines(stdout, FinishText(report, plan));
  if (!report.message.empty()) PrintError(stop, report.message);
  return report.status;
}

}  // namespace cli
