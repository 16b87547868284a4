#include "pipeline/run/run.h"

#include <fmt/format.h>

#include "pipeline/cli/command_context.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/job_loading.h"
#include "pipeline/cli/output.h"
#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"
#include "pipeline/run/dry_run.h"
#include "pipeline/run/end_hook.h"

namespace cli {
namespace {

std::string LimitText(std::uint64_t limit) { return limit == 0 ? "unlimited" : fmt::format("{}", limit); }

// Called on SIGHUP. Reads the job file again and applies its rate limits. A file with mistakes changes
// nothing.
void ReloadLimits(const JobArguments& arguments, s3::RateLimits* limits) {
  if (IsStream(arguments.job_file)) {
    return PrintError(
        "SIGHUP: the job was read from a stream, which cannot be read again, so the rate limits "
        "are not changed");
  }
  const auto job = LoadRun(arguments);
  if (!job) {
    pipeline::PrintLines(stderr, job.error().lines);
    return PrintError("SIGHUP: the job file cannot be used, so the rate limits are not changed");
  }
  const auto& options = job->pipeline.limits;
  pipeline::SetRateLimits(options, limits);
  PrintError(fmt::format("SIGHUP: limits.bandwidth is {}, limits.requests_per_second is {}",
                         LimitText(options.bandwidth_bytes),
                         LimitText(static_cast<std::uint64_t>(options.requests_per_second))));
}

// Returns the command that resumes the run. `run_dir`: the --run-dir that it needs; empty if it needs none.
// If the job was a stream, the command reads the job from a file that the user has to name. --set contains no
// secrets, because s3flow accepts none there.
std::string ResumeCommand(const JobArguments& arguments, const std::string& run_dir) {
  std::string command = "s3flow run";
  const auto add = [&command](const char* option, const std::string& value) {
    if (!value.empty()) command += fmt::format("{} {}", option, pipeline::ShellWord(value));
  };
  if (IsStream(arguments.job_file)) {
    command += " - <JOB.yaml";
  } else {
    add("", arguments.job_file);
  }
  for (const auto& text : arguments.overrides) add(" --set", text);
  add(" --plan", arguments.plan_dir);
  add(" --shard", arguments.shard);
  add(" --run-dir", run_dir);
  if (arguments.allow_changed_job) command += " --allow-changed-job";
  if (arguments.trust_dir) command += " --trust-dir";
  return command;
}

// Returns what the command that resumes the run needs on standard input, for its end; empty if nothing. A
// plan has the names already.
std::string StdinNote(const JobArguments& arguments, const std::vector<pipeline::SourceRoot>& roots) {
  if (!arguments.plan_dir.empty()) return "";
  for (const auto& root : roots) {
    if (root.files_from == "-" || root.files_from0 == "-") return " (with the same list on standard input)";
    if (root.stream && root.path == "-") return " (with the same data on standard input)";
  }
  return "";
}

CommandResult DryRun(const config::Job& job, const pipeline::RunCredentials& credentials,
                     CommandContext* context) {
  pipeline::ShowInput show;
  if (job.pipeline.report.log == pipeline::LogLevel::kObjects) {
    show = [](const pipeline::ObjectResult& result) {
      pipeline::PrintLines(stdout, pipeline::DryRunLine(result));
    };
  }
  const auto run =
      pipeline::RunDry(job.pipeline, job.s3, credentials, context->stop(), context->trace(), show);
  if (!run.message.empty()) return Fail(run.status, run.message);
  pipeline::PrintLines(stdout, pipeline::DryRunText(run, job.pipeline.report.prices));
  return UnlessStdoutFailed(run.status);
}

}  // namespace

CommandResult Run(const JobArguments& arguments) {
  const auto job = LoadRun(arguments);
  if (!job) return tl::unexpected(job.error());
  PrintNotes(*job);
  if (arguments.resume && job->pipeline.report.run_dir.empty()) {
    return Fail(pipeline::kExitUsage, "--resume needs the run directory: --run-dir or report.run_dir");
  }
  s3::RateLimits limits;
  pipeline::SetRateLimits(job->pipeline.limits, &limits);
  CommandContext context([&] { ReloadLimits(arguments, &limits); });
  if (const auto opened = context.OpenTrace(*job); !opened) return tl::unexpected(opened.error());
  const auto credentials = context.FetchCredentials(*job);
  if (!credentials) return tl::unexpected(credentials.error());
  if (arguments.dry_run) return DryRun(*job, *credentials, &context);

  const auto run =
      pipeline::Run(job->pipeline, job->s3, *credentials, context.stop(), context.trace(), &limits);
  PrintRunResult(run, *context.stop(), job->pipeline.report.log,
                 ResumeCommand(arguments, run.run_dir_argument), StdinNote(arguments, job->pipeline.source));
  pipeline::RunEndHook(job->pipeline.report, run, context.stop()->abort_token(), pipeline::PrintNote);
  return run.status;
}

}  // namespace cli
