#include "pipeline/plan/finish.h"

#include "pipeline/cli/command_context.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/job_loading.h"
#include "pipeline/cli/output.h"
#include "pipeline/fs/own_dir.h"
#include "pipeline/report/terminal.h"

namespace cli {

CommandResult Finish(const FinishArguments& arguments) {
  const auto trust = TrustOf(arguments.trust_dir);
  auto planned = LoadPlannedJob(arguments.directory, trust);
  if (!planned) return tl::unexpected(planned.error());
  auto& [plan, job] = *planned;
  PrintNotes(job);
  if (!arguments.trace_http.empty()) job.pipeline.report.trace_http = arguments.trace_http;

  CommandContext context;
  if (const auto opened = context.OpenTrace(job); !opened) return tl::unexpected(opened.error());
  auto directory = pipeline::RunDirectory::OpenExisting(arguments.directory, trust,
                                                        pipeline::DrainOnJournalFailure(context.stop()));
  if (!directory) return Fail(directory.error());
  const auto credentials = context.FetchCredentials(job);
  if (!credentials) return tl::unexpected(credentials.error());

  const auto report = pipeline::Finish(plan, job.pipeline, job.s3, *credentials, *directory,
                                       arguments.check_source, context.stop(), context.trace());
  const bool is_compact = job.pipeline.report.journal == pipeline::JournalDetail::kCompact;
  if (report.status == pipeline::kExitOk && is_compact) {
    const auto compressed = directory->CompressJournal(context.stop()->drain_token());
    if (!compressed) pipeline::PrintNote(compressed.error().message);
  }
  if (report.found > 0)
    pipeline::PrintLines(stdout, FinishText(report, plan, pipeline::AbsolutePath(arguments.directory)));
  if (!report.message.empty()) return Fail(report.status, context.ReasonOr(report.message));
  return report.status;
}

}  // namespace cli
