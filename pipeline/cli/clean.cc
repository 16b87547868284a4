#include <fmt/format.h>

#include "pipeline/cli/common.h"
#include "pipeline/cli/provide.h"
#include "pipeline/cli/signals.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/upload/orphaned_uploads.h"
#include "s3/stores/address.h"

namespace cli {
namespace {

// The run directory for this command alone; what cannot be had is said, and the status to leave with.
std::variant<pipeline::RunDirectory, pipeline::ExitStatus> OpenForCleaning(const CleanArguments& arguments,
                                                                           pipeline::StopControl* stop) {
  auto directory = pipeline::RunDirectory::OpenExisting(
      arguments.run_dir, TrustOf(arguments.trust_dir), [stop](const s3::Error& error) {
        stop->Drain(pipeline::StopCause::kJournalFailed, "cannot write the journal: " + error.message);
      });
  if (directory) return std::move(*directory);
  PrintError(directory.error().message);
  return directory.error().status;
}

// A job file that the user names is trusted. One that the journal names would get the user's environment and
// credentials.
std::variant<config::Job, pipeline::ExitStatus> LoadJobOf(const pipeline::RunRecord& run,
                                                          const CleanArguments& arguments) {
  if (!arguments.job_file.empty())
    return LoadJob({.job_file = arguments.job_file, .overrides = run.overrides});
  const auto directory = pipeline::OwnDir::Around(run.job_file, TrustOf(arguments.trust_dir));
  if (!directory || !directory->Has(pipeline::NameOf(run.job_file))) {
    PrintError(fmt::format("the job file {} is not there any more: --job names another one", run.job_file));
    return pipeline::kExitNoInput;
  }
  auto loaded = LoadNamedJob(*directory, {.job_file = run.job_file, .overrides = run.overrides});
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded);
      status && *status == pipeline::kExitJournal)
    PrintError("--job names the job file of that run yourself");
  return loaded;
}

}  // namespace

pipeline::ExitStatus Clean(const CleanArguments& arguments) {
  pipeline::StopControl stop;
  const SignalThread signals(&stop);
  auto opened = OpenForCleaning(arguments, &stop);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&opened)) return *status;
  auto& directory = std::get<pipeline::RunDirectory>(opened);
  const auto& run = *directory.history()->run();
  if (run.scope.kind == pipeline::RunKind::kRehearsal) {
    Say(fmt::format("{}: nothing to clean: it belongs to a rehearsal, whose embedded store has ended",
                    arguments.run_dir));
    return pipeline::kExitOk;
  }
  const auto loaded = LoadJobOf(run, arguments);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  const auto& job = std::get<config::Job>(loaded);
  PrintNotes(job);
  if (job.pipeline.identity.settings != run.settings) {
    PrintError(fmt::format("{} is not the job of that run any more: {} (--job names another file)",
                           job.pipeline.identity.job_file,
                           pipeline::DifferenceOf(run.settings, job.pipeline.identity.settings)));
    return pipeline::kExitConfig;
  }
  const auto credentials = ProvideCredentials(job, nullptr, stop.drain_token());
  if (!credentials) {
    PrintError(credentials.error().message);
    return pipeline::kExitRefused;
  }
  const auto note = [](std::string_view text) { Say(fmt::format("note: {}", text)); };
  pipeline::ClientFactory store(job.s3, s3::ResolveBucket(job.s3.destination).value(), *credentials, {},
                                &stop, nullptr, note);
  s3::BlockingWaiter waiter;
  const auto client = store.MakeClient(&waiter);
  const auto left =
      pipeline::AbortOrphanedUploads(client.get(), store.facts().Current()->clock_offset, directory.history(),
                                     arguments.dry_run ? nullptr : directory.journal());
  Say(fmt::format("{}: {} multipart uploads {}, {} were gone already", arguments.run_dir, left.aborted,
                  arguments.dry_run ? "would be aborted" : "aborted", left.gone));
  for (const auto& problem : left.problems) PrintError(stop, problem);
  if (const auto synced = directory.journal()->Sync(); !synced) {
    PrintError("cannot write the journal: " + synced.error().message);
    return pipeline::kExitJournal;
  }
  if (stop.cause()) return pipeline::ExitStatusOf({}, stop.cause(), false);
  if (!left.problems.empty()) return pipeline::kExitSomeFailed;
  return arguments.dry_run ? WithText(pipeline::kExitOk) : pipeline::kExitOk;
}

}  // namespace cli
