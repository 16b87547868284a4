#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "config/scalars.h"
#include "pipeline/cli/command_context.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/job_loading.h"
#include "pipeline/cli/output.h"
#include "pipeline/fs/files.h"
#include "pipeline/journal/journal_file.h"
#include "pipeline/journal/record.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"
#include "pipeline/status/old_runs.h"
#include "pipeline/status/run_view.h"
#include "pipeline/upload/orphaned_uploads.h"
#include "s3/stores/address.h"

namespace cli {
namespace {

// Loads the job of the run. A job file that the user names is trusted. A job file that only the journal names
// must pass the checks of OwnDir, because it gets the user's environment and credentials.
tl::expected<config::Job, ExitError> LoadJobOf(const pipeline::RunRecord& run,
                                               const CleanArguments& arguments) {
  if (!arguments.job_file.empty()) {
    return LoadJob({.job_file = arguments.job_file, .overrides = run.overrides});
  }
  if (run.job_file == kStandardInputName) {
    return Fail(
        pipeline::kExitNoInput,
        "the run read its job from standard input or another stream: name a copy with --job JOB.yaml, or "
        "give the job again with --job -");
  }
  const auto directory = pipeline::OwnDir::Around(run.job_file, TrustOf(arguments.trust_dir));
  if (!directory || !directory->Has(pipeline::NameOf(run.job_file))) {
    return Fail(pipeline::kExitNoInput,
                fmt::format("the run's job file {} no longer exists: name a copy with --job", run.job_file));
  }
  auto job = LoadNamedJob(*directory, {.job_file = run.job_file, .overrides = run.overrides});
  if (!job && job.error().status == pipeline::kExitJournal) {
    job.error().AddLine("to use this or another job file nevertheless, name it with --job");
  }
  return job;
}

tl::expected<void, ExitError> CheckSameJob(const pipeline::RunRecord& run, const config::Job& job) {
  const auto& identity = job.pipeline.identity;
  if (identity.settings == run.settings) return {};
  return Fail(pipeline::kExitConfig,
              fmt::format("{} is no longer the job of that run: {} (name the right job file with --job)",
                          identity.job_file, pipeline::DifferenceOf(run.settings, identity.settings)));
}

// If `journal` is null, only counts the uploads that it would abort.
pipeline::OrphanedUploads AbortUploads(const config::Job& job, const pipeline::RunCredentials& credentials,
                                       CommandContext* context, pipeline::History* history,
                                       pipeline::Journal* journal) {
  const auto note = [](std::string_view text) { Say(fmt::format("note: {}", text)); };
  pipeline::ClientFactory clients(job.s3, s3::ResolveBucket(job.s3.destination).value(), credentials, {},
                                  context->stop(), nullptr, note);
  s3::BlockingWaiter waiter;
  const auto client = clients.MakeClient(&waiter);
  return pipeline::AbortOrphanedUploads(client.get(), clients.facts().Current()->clock_offset, history,
                                        journal);
}

// A run that has done its work, but could not abort its uploads, is complete now. Ends its journal as that of
// a complete run, so that `clean --older-than` may remove the directory.
s3::Result<void> RecordCompletion(const pipeline::RunDirectory& directory) {
  const auto view = pipeline::ViewRun(directory.dir(), directory.dir().FileSystemTime());
  if (view.phase != pipeline::RunPhase::kEnded || !view.status->complete) return {};
  const auto status = view.status->exit_status.value_or(pipeline::kExitBroken);
  const bool is_last_session = view.status->session == directory.history()->run()->session;
  if (!is_last_session || status == pipeline::kExitJournal || status == pipeline::kExitBroken) return {};
  return directory.journal()->Append(pipeline::EndLine({status, true}));
}

// Parses "30d", or a duration as job files have it.
tl::expected<std::chrono::seconds, ExitError> AgeOf(const std::string& text) {
  if (text.ends_with('d')) {
    const auto days = config::ParseInteger(text.substr(0, text.size() - 1), 0, 36'500);
    if (days) return std::chrono::hours(24 * *days);
  } else if (const auto age = config::ParseDuration(text)) {
    return std::chrono::duration_cast<std::chrono::seconds>(*age);
  }
  return Fail(pipeline::kExitUsage,
              fmt::format("--older-than: '{}' is not an age: write 30d, 12h or 90m", text));
}

void PrintOldRuns(const pipeline::OldRuns& runs, const CleanArguments& arguments) {
  for (const auto& name : runs.removed) {
    Say(fmt::format("{}: {}", arguments.dry_run ? "would be removed" : "removed", name));
  }
  for (const auto& [name, why] : runs.kept) Say(fmt::format("kept: {}: {}", name, why));
  Say(fmt::format(
      "{}: {} {}, {}; {} kept{}", arguments.run_dir,
      pipeline::Counted(runs.removed.size(), "run directory", "run directories"),
      arguments.dry_run ? "would be removed" : "removed", pipeline::HumanBytes(runs.bytes), runs.kept.size(),
      runs.others == 0
          ? ""
          : fmt::format("; {} no run directory", pipeline::Counted(runs.others, "entry is", "entries are"))));
}

CommandResult CleanOldRuns(const CleanArguments& arguments) {
  const auto age = AgeOf(arguments.older_than);
  if (!age) return tl::unexpected(age.error());
  if (!arguments.job_file.empty()) {
    return Fail(pipeline::kExitUsage, "--job cannot be used with --older-than, which sends no requests");
  }
  if (access(arguments.run_dir.c_str(), F_OK) != 0) {
    return Fail(pipeline::kExitNoInput, pipeline::ErrnoError(arguments.run_dir, errno).message);
  }
  const auto directory = pipeline::OwnDir::Open(arguments.run_dir, TrustOf(arguments.trust_dir));
  if (!directory) return Fail(pipeline::kExitJournal, directory.error().message);
  if (pipeline::HasJournal(*directory)) {
    return Fail(
        pipeline::kExitUsage,
        fmt::format("{} is a run directory itself: with --older-than, name the directory that contains it",
                    arguments.run_dir));
  }
  const auto runs = pipeline::RemoveOldRuns(*directory, {*age, arguments.failed_too, arguments.dry_run});
  if (!runs) return Fail(pipeline::kExitJournal, runs.error().message);
  PrintOldRuns(*runs, arguments);
  for (const auto& [name, why] : runs->failed)
    PrintError(fmt::format("{} could not be removed: {}", name, why));
  if (!runs->failed.empty()) return pipeline::kExitJournal;
  return UnlessStdoutFailed(pipeline::kExitOk);
}

CommandResult CleanRun(const CleanArguments& arguments, const pipeline::RunDirectory& directory,
                       CommandContext* context) {
  const auto& run = *directory.history()->run();
  if (run.scope.kind == pipeline::RunKind::kRehearsal) {
    Say(fmt::format("{}: nothing to clean: this was a rehearsal, and its embedded store is gone",
                    arguments.run_dir));
    return pipeline::kExitOk;
  }
  const auto job = LoadJobOf(run, arguments);
  if (!job) return tl::unexpected(job.error());
  PrintNotes(*job);
  if (const auto same = CheckSameJob(run, *job); !same) return tl::unexpected(same.error());
  const auto credentials = context->FetchCredentials(*job);
  if (!credentials) return tl::unexpected(credentials.error());

  auto* const journal = arguments.dry_run ? nullptr : directory.journal();
  const auto uploads = AbortUploads(*job, *credentials, context, directory.history(), journal);
  Say(fmt::format("{}: {} {}, {} gone already", arguments.run_dir,
                  pipeline::Counted(uploads.aborted, "multipart upload", "multipart uploads"),
                  arguments.dry_run ? "would be aborted" : "aborted",
                  pipeline::Counted(uploads.gone, "was", "were")));
  for (const auto& problem : uploads.problems) PrintError(context->ReasonOr(problem));
  const bool has_changed = uploads.aborted + uploads.gone > 0 || !directory.history()->complete();
  if (journal != nullptr && uploads.problems.empty() && has_changed) {
    // An error is in the journal's state, and Sync() returns it.
    (void)RecordCompletion(directory);
  }
  if (const auto synced = directory.journal()->Sync(); !synced) {
    return Fail(pipeline::kExitJournal, "cannot write the journal: " + synced.error().message);
  }
  const auto status =
      context->StatusOr(uploads.problems.empty() ? pipeline::kExitOk : pipeline::kExitSomeFailed);
  return arguments.dry_run ? UnlessStdoutFailed(status) : status;
}

}  // namespace

CommandResult Clean(const CleanArguments& arguments) {
  if (!arguments.older_than.empty()) return CleanOldRuns(arguments);
  CommandContext context;
  auto directory = pipeline::RunDirectory::OpenExisting(arguments.run_dir, TrustOf(arguments.trust_dir),
                                                        pipeline::DrainOnJournalFailure(context.stop()));
  if (!directory) return Fail(directory.error());
  auto result = CleanRun(arguments, *directory, &context);
  if (directory->was_compressed()) {
    const auto compressed = directory->CompressJournal(context.stop()->drain_token());
    if (!compressed) pipeline::PrintNote(compressed.error().message);
  }
  return result;
}

}  // namespace cli
