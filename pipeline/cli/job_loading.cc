#include "pipeline/cli/job_loading.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "config/aws_settings.h"
#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/runtime/resource_limits.h"
#include "pipeline/runtime/scheduler.h"
#include "s3/base/environment.h"

namespace cli {
namespace {

// Returns the texts of --set, and those of the options that are short forms of --set.
std::vector<std::string> WithReportArguments(const JobArguments& arguments) {
  auto overrides = arguments.overrides;
  const auto& report = arguments.report;
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) overrides.push_back(fmt::format("report.{}={}", key, value));
  };
  set("progress", report.progress);
  set("log", report.log_level);
  set("log_format", report.log_format);
  return overrides;
}

// Returns true if `path`, a stream, is what the job was read from. Nothing of it is left then. A regular file
// that is opened again is read from its start again.
bool IsConsumed(const std::string& path, const std::string& job_file) {
  if (path == kStandardInputName && job_file == kStandardInputName) return true;
  const auto status_of = [](const std::string& name, struct stat* status) {
    return (name == kStandardInputName ? fstat(STDIN_FILENO, status) : stat(name.c_str(), status)) == 0;
  };
  struct stat source {
  }, job{};
  return status_of(path, &source) && status_of(job_file, &job) && !S_ISREG(source.st_mode) &&
         source.st_dev == job.st_dev && source.st_ino == job.st_ino;
}

// Returns a problem for each stream and each list that the job was read from. Its object or its names would
// be missing.
std::vector<config::Problem> ConsumedStreams(const config::Job& job, const std::string& job_file) {
  std::vector<config::Problem> problems;
  for (std::size_t i = 0; i < job.pipeline.source.size(); ++i) {
    const auto& root = job.pipeline.source[i];
    const auto check = [&](const char* key, const std::string& path) {
      if (path.empty() || !IsConsumed(path, job_file)) return;
      problems.push_back({job.sources.at(fmt::format("source.{}.{}", i, key)),
                          fmt::format("source.{}: the job file was read from this stream, so nothing of it "
                                      "is left to read: write the job to a file, and name that file instead",
                                      key)});
    };
    if (root.stream) check("path", root.path);
    check("files_from", root.files_from);
    check("files_from0", root.files_from0);
  }
  return problems;
}

void ApplyArguments(const JobArguments& arguments, config::Job* job) {
  auto& options = job->pipeline;
  if (!arguments.run_dir.empty()) options.report.run_dir = arguments.run_dir;
  if (!arguments.trace_http.empty()) options.report.trace_http = arguments.trace_http;
  if (arguments.report.verbose) options.report.log = pipeline::LogLevel::kObjects;
  if (arguments.report.quiet) {
    options.report.log = pipeline::LogLevel::kQuiet;
    options.report.progress = pipeline::ProgressStyle::kNone;
  }
  if (!arguments.report.log_file.empty()) options.report.log_file = arguments.report.log_file;
  if (arguments.report.no_color) options.report.color = false;
  options.resume.finished_too = arguments.resume;
  options.resume.allow_changed_job = arguments.allow_changed_job;
  options.resume.trust = TrustOf(arguments.trust_dir);
}

// Sets `threads`, if the job did not set it, to the CPUs that this process may use, and limits `memory_bytes`
// to its memory. Names these limits as the source of each changed value, so that `check` shows it.
void ApplyResourceLimits(config::Job* job) {
  auto& upload = job->pipeline.upload;
  const auto wanted = upload;
  const auto granted = pipeline::SchedulerLimits(s3::ProcessEnvironment());
  pipeline::ApplyTo(pipeline::Min(granted, pipeline::KernelLimits()), &upload);
  const auto* const source = "what this process may use";
  if (upload.threads != wanted.threads) job->sources["upload.threads"] = source;
  if (upload.memory_bytes != wanted.memory_bytes) job->sources["limits.memory"] = source;
}

// Changes the options to those of one shard. `plan`: null without a plan. The shard's run directory is a
// subdirectory of the one in the options.
tl::expected<void, ExitError> ApplyShard(const std::string& text, const std::string& plan_dir,
                                         const pipeline::JobPlan* plan, pipeline::Options* options) {
  const auto planned = plan != nullptr ? std::optional(static_cast<int>(plan->shards.size())) : std::nullopt;
  const auto shard = pipeline::ParseShard(text, planned, s3::ProcessEnvironment());
  if (!shard) return Fail(pipeline::kExitUsage, shard.error().message);
  options->shard = {.shard = *shard, .plan_dir = plan_dir};
  if (plan != nullptr) {
    options->shard->plan_id = plan->id;
    const auto& load = plan->shards[static_cast<std::size_t>(shard->index)];
    options->shard->inputs = load.inputs;
    options->shard->bytes = load.bytes;
    options->report.run_dir = pipeline::ShardRunDir(plan_dir, shard->index);
  } else if (!options->report.run_dir.empty()) {
    options->report.run_dir = pipeline::ShardRunDir(options->report.run_dir, shard->index);
  }
  options->identity.shard = pipeline::ShardTextOf(shard->index, shard->count, options->shard->plan_id);
  return {};
}

tl::expected<config::Job, ExitError> LoadRunOfJobFile(const JobArguments& arguments) {
  if (arguments.job_file.empty()) {
    return Fail(pipeline::kExitUsage,
                "nothing to upload: give a job file (JOB.yaml), or a plan (--plan DIR)");
  }
  auto job = LoadJob(arguments);
  if (!job || arguments.shard.empty()) return job;
  if (const auto applied = ApplyShard(arguments.shard, "", nullptr, &job->pipeline); !applied) {
    return tl::unexpected(applied.error());
  }
  return job;
}

tl::expected<config::Job, ExitError> LoadRunOfPlan(const JobArguments& arguments) {
  const bool has_own_settings =
      !arguments.job_file.empty() || !arguments.overrides.empty() || !arguments.run_dir.empty();
  if (has_own_settings) {
    return Fail(
        pipeline::kExitUsage,
        "--plan cannot be used with JOB.yaml, --set or --run-dir: the plan has its own job file and run "
        "directories");
  }
  if (arguments.shard.empty()) return Fail(pipeline::kExitUsage, "--plan needs --shard I/N or --shard auto");
  auto planned = LoadPlannedJob(arguments.plan_dir, TrustOf(arguments.trust_dir), arguments.report);
  if (!planned) return tl::unexpected(planned.error());
  auto& [plan, job] = *planned;
  ApplyArguments(arguments, &job);
  if (arguments.trust_dir && !job.pipeline.report.on_end.empty()) {
    // Others may write to this job file. They are trusted with credentials, but may not run programs.
    job.pipeline.report.on_end.clear();
    job.notes.push_back("with --trust-dir, report.on_end of a plan is not run");
  }
  job.pipeline.resume.finished_too = true;  // so that a shard that ended with failures can run again
  if (const auto applied = ApplyShard(arguments.shard, arguments.plan_dir, &plan, &job.pipeline); !applied) {
    return tl::unexpected(applied.error());
  }
  return std::move(job);
}

}  // namespace

pipeline::Trust TrustOf(bool trust_dir) {
  return trust_dir ? pipeline::Trust::kOthers : pipeline::Trust::kOurs;
}

bool IsStream(const std::string& job_file) {
  std::error_code error;
  return job_file == kStandardInputName || std::filesystem::is_other(job_file, error);
}

tl::expected<std::string, ExitError> ReadJobText(const std::string& job_file) {
  const bool is_stdin = job_file == kStandardInputName;
  auto text = is_stdin ? config::ReadStandardInput() : config::ReadTextFile(job_file);
  if (text) return std::move(*text);
  const bool is_readable = !is_stdin && access(job_file.c_str(), R_OK) == 0;
  return Fail(is_readable ? pipeline::kExitConfig : pipeline::kExitNoInput, text.error());
}

tl::expected<config::Job, ExitError> LoadJob(const JobArguments& arguments) {
  const auto environment = s3::ProcessEnvironment();
  const auto find = [&environment](const std::string& profile) {
    return config::FindAwsSettings(s3::Profiles::LoadSettings(environment), profile, environment);
  };
  const auto text = arguments.job_text ? tl::expected<std::string, ExitError>(*arguments.job_text)
                                       : ReadJobText(arguments.job_file);
  if (!text) return tl::unexpected(text.error());
  const bool is_stdin = arguments.job_file == kStandardInputName;
  auto job = config::ParseJob(*text, is_stdin ? config::kStandardInput : arguments.job_file,
                              WithReportArguments(arguments), environment, find);
  if (!job) return Fail(pipeline::kExitConfig, job.error());
  if (const auto problems = ConsumedStreams(*job, arguments.job_file); !problems.empty()) {
    return Fail(pipeline::kExitConfig, problems);
  }
  const bool is_stream = IsStream(arguments.job_file);
  job->pipeline.identity = {
      .settings = config::ShowIdentity(*job),
      .job_file = is_stream ? kStandardInputName : pipeline::AbsolutePath(arguments.job_file),
      .overrides = arguments.overrides,
      .scheduler = pipeline::SchedulerFacts(environment)};
  ApplyResourceLimits(&*job);
  ApplyArguments(arguments, &*job);
  return std::move(*job);
}

tl::expected<config::Job, ExitError> LoadNamedJob(const pipeline::OwnDir& directory, JobArguments arguments) {
  constexpr std::size_t kMaxJobBytes = 1 << 20;  // the limit of a job file, see config/document.h
  auto text = directory.Text(pipeline::NameOf(arguments.job_file), kMaxJobBytes);
  if (!text) return Fail(pipeline::kExitJournal, text.error().message);
  arguments.job_text = std::move(*text);
  return LoadJob(arguments);
}

tl::expected<PlannedJob, ExitError> LoadPlannedJob(const std::string& plan_dir, pipeline::Trust trust,
                                                   const ReportArguments& report) {
  const auto in_plan = [&](const char* name) { return fmt::format("{}/{}", plan_dir, name); };
  if (access(in_plan(pipeline::kPlanName).c_str(), F_OK) != 0) {
    return Fail(pipeline::kExitNoInput, fmt::format("{}: {} (s3flow plan creates it)",
                                                    in_plan(pipeline::kPlanName), std::strerror(errno)));
  }
  const auto directory = pipeline::OwnDir::Open(plan_dir, trust);
  if (!directory) return Fail(pipeline::kExitJournal, directory.error().message);
  auto plan = pipeline::LoadPlan(*directory);
  if (!plan) return Fail(pipeline::kExitJournal, plan.error().message);
  auto job = LoadNamedJob(*directory, {.job_file = in_plan(pipeline::kPlannedJobName),
                                       .overrides = plan->overrides,
                                       .report = report,
                                       .trust_dir = trust == pipeline::Trust::kOthers});
  if (!job) return tl::unexpected(job.error());
  if (job->pipeline.identity.settings != plan->settings) {
    return Fail(pipeline::kExitConfig,
                fmt::format("{} has other settings on this machine than when the plan was made: {}",
                            in_plan(pipeline::kPlannedJobName),
                            pipeline::DifferenceOf(plan->settings, job->pipeline.identity.settings)));
  }
  return PlannedJob{std::move(*plan), std::move(*job)};
}

tl::expected<config::Job, ExitError> LoadRun(const JobArguments& arguments) {
  return arguments.plan_dir.empty() ? LoadRunOfJobFile(arguments) : LoadRunOfPlan(arguments);
}

}  // namespace cli
