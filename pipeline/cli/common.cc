#include "pipeline/cli/common.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "config/aws_settings.h"
#include "config/faults.h"
#include "config/scalars.h"
#include "pipeline/fs/files.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/runtime/resource_limits.h"
#include "pipeline/runtime/scheduler.h"
#include "s3/base/environment.h"
#include "s3/base/text.h"
#include "s3/uri.h"

namespace cli {
namespace {

void ApplyArguments(const JobArguments& arguments, config::Job* job) {
  auto& options = job->pipeline;
  if (!arguments.run_dir.empty()) options.report.run_dir = arguments.run_dir;
  if (!arguments.trace_http.empty()) options.report.trace_http = arguments.trace_http;
  if (arguments.verbose) options.report.log = pipeline::LogLevel::kObjects;
  options.resume.go_on = arguments.resume;
  options.resume.allow_changed_job = arguments.allow_changed_job;
  options.resume.trust = TrustOf(arguments.trust_dir);
}

void FollowAllotment(config::Job* job) {
  auto& upload = job->pipeline.upload;
  const auto asked = upload;
  const auto granted = pipeline::SchedulerLimits(s3::ProcessEnvironment());
  pipeline::ApplyTo(pipeline::Min(granted, pipeline::KernelLimits()), &upload);
  const auto* const source = "what this process may use";
  if (upload.threads != asked.threads) job->sources["upload.threads"] = source;
  if (upload.memory_bytes != asked.memory_bytes) job->sources["limits.memory"] = source;
}

// As it stands where the working directory has been removed.
std::string AbsolutePath(const std::string& path) {
  std::error_code problem;
  const auto absolute = std::filesystem::absolute(path, problem);
  return problem ? path : absolute.string();
}

// A shard's run directory is below the one that all shards are given.
std::optional<pipeline::ExitStatus> TakeShard(const std::string& text, const std::string& plan_dir,
                                              const pipeline::JobPlan* plan, pipeline::Options* options) {
  const auto environment = s3::ProcessEnvironment();
  const auto planned = plan != nullptr ? std::optional(static_cast<int>(plan->shards.size())) : std::nullopt;
  const auto shard = pipeline::ParseShard(text, planned, environment);
  if (!shard) return PrintError(shard.error().message), pipeline::kExitUsage;
  options->shard = {.shard = *shard, .plan_dir = plan_dir};
  if (plan != nullptr) {
    options->shard->plan_id = plan->id;
    options->shard->inputs = plan->shards[static_cast<std::size_t>(shard->index)].inputs;
    options->report.run_dir = pipeline::ShardRunDir(plan_dir, shard->index);
  } else if (!options->report.run_dir.empty()) {
    options->report.run_dir = pipeline::ShardRunDir(options->report.run_dir, shard->index);
  }
  options->identity.shard = pipeline::ShardTextOf(shard->index, shard->count, options->shard->plan_id);
  return std::nullopt;
}

// The names of what this process has open are links. All else is a file of its own.
s3::Result<s3::UniqueFd> OpenForTrace(const std::string& path) {
  const bool is_open = path == "/dev/stdout" || path == "/dev/stderr" || path.starts_with("/dev/fd/");
  if (!is_open) {
    return pipeline::OwnDir::Around(path, pipeline::Trust::kOthers).and_then([&](const auto& directory) {
      return directory.Append(pipeline::NameOf(path), 0600);
    });
  }
  s3::UniqueFd file(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (file.get() < 0) return tl::unexpected(pipeline::ErrnoError(path, errno));
  return file;
}

}  // namespace

void Say(std::string_view line) { pipeline::PrintLine(stdout, line); }

void PrintError(std::string_view text) { pipeline::PrintLine(stderr, fmt::format("s3flow: {}", text)); }

void PrintError(const pipeline::StopControl& stop, const std::string& text) {
  PrintError(stop.cause() == pipeline::StopCause::kStoreUnreachable ? stop.message() : text);
}

void PrintNotes(const config::Job& job) {
  for (const auto& note : job.notes) PrintError("note: " + note);
}

pipeline::Trust TrustOf(bool trust_dir) {
  return trust_dir ? pipeline::Trust::kOthers : pipeline::Trust::kOurs;
}

std::variant<config::Job, pipeline::ExitStatus> LoadJob(const JobArguments& arguments) {
  const auto environment = s3::ProcessEnvironment();
  const auto find = [&environment](const std::string& profile) {
    return config::FindAwsSettings(s3::Profiles::LoadSettings(environment), profile, environment);
  };
  auto job = arguments.job_text ? config::ParseJob(*arguments.job_text, arguments.job_file,
                                                   arguments.overrides, environment, find)
                                : config::LoadJob(arguments.job_file, arguments.overrides, environment, find);
  if (!job) {
    pipeline::PrintLines(stderr, config::FormatProblems(job.error()));
    const bool unreadable = access(arguments.job_file.c_str(), R_OK) != 0;
    return unreadable ? pipeline::kExitNoInput : pipeline::kExitConfig;
  }
  job->pipeline.identity = {.settings = config::ShowIdentity(*job),
                            .job_file = AbsolutePath(arguments.job_file),
                            .overrides = arguments.overrides,
                            .scheduler = pipeline::SchedulerFacts(s3::ProcessEnvironment())};
  FollowAllotment(&*job);
  ApplyArguments(arguments, &*job);
  return std::move(*job);
}

std::variant<config::Job, pipeline::ExitStatus> LoadNamedJob(const pipeline::OwnDir& directory,
                                                             JobArguments arguments) {
  constexpr std::size_t kMaxJobBytes = 1 << 20;  // more is no job, see config/document.h
  auto text = directory.Text(pipeline::NameOf(arguments.job_file), kMaxJobBytes);
  if (!text) return PrintError(text.error().message), pipeline::kExitJournal;
  arguments.job_text = std::move(*text);
  return LoadJob(arguments);
}

std::variant<PlannedJob, pipeline::ExitStatus> LoadPlannedJob(const std::string& plan_dir,
                                                              pipeline::Trust trust) {
  const auto in_plan = [&](const char* name) { return fmt::format("{}/{}", plan_dir, name); };
  if (access(in_plan(pipeline::kPlanName).c_str(), F_OK) != 0) {
    PrintError(
        fmt::format("{}: {} (s3flow plan makes it)", in_plan(pipeline::kPlanName), std::strerror(errno)));
    return pipeline::kExitNoInput;
  }
  const auto directory = pipeline::OwnDir::Open(plan_dir, trust);
  if (!directory) return PrintError(directory.error().message), pipeline::kExitJournal;
  auto plan = pipeline::LoadPlan(*directory);
  if (!plan) return PrintError(plan.error().message), pipeline::kExitJournal;
  auto loaded = LoadNamedJob(*directory, {.job_file = in_plan(pipeline::kPlannedJobName),
                                          .overrides = plan->overrides,
                                          .trust_dir = trust == pipeline::Trust::kOthers});
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  auto& job = std::get<config::Job>(loaded);
  if (job.pipeline.identity.settings == plan->settings) return PlannedJob{std::move(*plan), std::move(job)};
  PrintError(fmt::format("{} means something else here than when it was planned: {}",
                         in_plan(pipeline::kPlannedJobName),
                         pipeline::DifferenceOf(plan->settings, job.pipeline.identity.settings)));
  return pipeline::kExitConfig;
}

std::variant<config::Job, pipeline::ExitStatus> LoadRun(const JobArguments& arguments) {
  const bool planned = !arguments.plan_dir.empty();
  if (planned &&
      (!arguments.job_file.empty() || !arguments.overrides.empty() || !arguments.run_dir.empty())) {
    PrintError("--plan has its own job file, --set and run directories");
    return pipeline::kExitUsage;
  }
  if (!planned && arguments.job_file.empty())
    return PrintError("JOB.yaml or --plan is missing"), pipeline::kExitUsage;
  if (planned && arguments.shard.empty()) {
    return PrintError("--plan needs --shard: I/N, or auto"), pipeline::kExitUsage;
  }
  if (!planned) {
    auto loaded = LoadJob(arguments);
    if (arguments.shard.empty() || std::holds_alternative<pipeline::ExitStatus>(loaded)) return loaded;
    auto& options = std::get<config::Job>(loaded).pipeline;
    if (const auto status = TakeShard(arguments.shard, "", nullptr, &options)) return *status;
    return loaded;
  }
  auto loaded = LoadPlannedJob(arguments.plan_dir, TrustOf(arguments.trust_dir));
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  auto& [plan, job] = std::get<PlannedJob>(loaded);
  ApplyArguments(arguments, &job);
  job.pipeline.resume.go_on = true;  // a shard that has ended with failures is run again like any other
  if (const auto status = TakeShard(arguments.shard, arguments.plan_dir, &plan, &job.pipeline))
    return *status;
  return std::move(job);
}

bool ApplyEndpointArguments(const EndpointArguments& arguments, s3::endpoint::ServerOptions* options) {
  options->requests_per_second = arguments.requests_per_second;
  if (!arguments.latency.empty()) {
    const auto latency = config::ParseDuration(arguments.latency);
    if (!latency) return PrintError("--latency: " + latency.error()), false;
    options->latency = *latency;
  }
  if (arguments.jitter > 0 && arguments.latency.empty()) {
    return PrintError("--jitter is of --latency, which is missing"), false;
  }
  options->jitter = arguments.jitter;
  if (!arguments.bandwidth.empty()) {
    const auto bandwidth = config::ParseSize(arguments.bandwidth);
    if (!bandwidth) return PrintError("--bandwidth (bytes per second): " + bandwidth.error()), false;
    options->bandwidth_bytes = *bandwidth;
  }
  for (const auto& name : arguments.refused_headers) options->refused_headers.push_back(s3::LowerCase(name));
  using Conditions = s3::endpoint::Conditions;
  if (arguments.ignore_conditions == "all") options->conditions = Conditions::kIgnored;
  if (arguments.ignore_conditions == "complete") options->conditions = Conditions::kIgnoredOnComplete;
  if (!arguments.faults_file.empty()) {
    auto faults = config::LoadFaults(arguments.faults_file, s3::ProcessEnvironment());
    if (!faults) return pipeline::PrintLines(stderr, config::FormatProblems(faults.error())), false;
    options->faults = std::move(*faults);
  }
  return true;
}

std::variant<std::unique_ptr<s3::TraceLog>, pipeline::ExitStatus> OpenTrace(const config::Job& job) {
  const auto& path = job.pipeline.report.trace_http;
  if (path.empty()) return std::unique_ptr<s3::TraceLog>();
  auto file = OpenForTrace(path);
  if (file) return std::make_unique<s3::TraceLog>(std::move(*file));
  PrintError("cannot write the trace: " + file.error().message);
  return pipeline::kExitJournal;
}

pipeline::ExitStatus WithText(pipeline::ExitStatus status) {
  const int problem = pipeline::StdoutProblem();
  if (problem == 0 || status != pipeline::kExitOk) return status;
  PrintError(pipeline::ErrnoError("standard output cannot be written", problem).message);
  return pipeline::kExitJournal;
}

void PrintRunResult(const pipeline::RunResult& run, const pipeline::StopControl& stop,
                    pipeline::RunKind kind) {
  if (run.summary.found > 0) pipeline::PrintLines(stdout, pipeline::HumanSummary(run.summary, stop.cause()));
  if (run.summary.found > 0) Say(fmt::format("records: {}", run.run_dir));
  const bool stopped = run.status == pipeline::kExitStopped || run.status == pipeline::kExitInterrupted;
  const bool resumable = kind == pipeline::RunKind::kRun;
  if (stopped && resumable && run.summary.found > 0 && run.summary.WorkLeft())
    Say(run.run_dir_argument.empty()
            ? "to resume: the same command"
            : fmt::format("to resume: the same command with --run-dir {}", run.run_dir_argument));
  if (stopped && !resumable) Say("a rehearsal cannot be resumed: rehearse again");
  if (!run.message.empty()) PrintError(run.message);
}

}  // namespace cli
