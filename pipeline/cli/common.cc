#include "pipeline/cli/common.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "config/faults.h"
#include "config/scalars.h"
#include "s3/credentials.h"

namespace cli {

void Complain(std::string_view text) { fmt::print(stderr, "s3flow: {}\n", text); }

std::variant<config::Job, pipeline::ExitStatus> LoadJob(const JobArguments& arguments) {
  auto job = config::LoadJob(arguments.job_file, arguments.overrides, s3::ProcessEnvironment());
  if (!job) {
    fmt::print(stderr, "{}", config::FormatProblems(job.error()));
    const bool unreadable = access(arguments.job_file.c_str(), R_OK) != 0;
    return unreadable ? pipeline::kExitNoInput : pipeline::kExitConfig;
  }
  auto& tls = job->s3.transport.tls;
  if (tls.ca_file.empty() && tls.ca_directory.empty()) {
    tls.ca_file = s3::ProcessEnvironment()("AWS_CA_BUNDLE").value_or("");
  }
  if (!arguments.run_dir.empty()) job->pipeline.report.run_dir = arguments.run_dir;
  if (!arguments.trace_http.empty()) job->pipeline.report.trace_http = arguments.trace_http;
  auto& options = job->pipeline;
  options.resume.go_on = arguments.resume;
  options.resume.allow_changed_job = arguments.allow_changed_job;
  options.identity = {config::ShowIdentity(*job), std::filesystem::absolute(arguments.job_file).string(),
                      arguments.overrides};
  if (arguments.verbose) job->pipeline.report.log = pipeline::LogLevel::kObjects;
  return std::move(*job);
}

bool ApplyEndpointArguments(const EndpointArguments& arguments, s3::endpoint::ServerOptions* options) {
  options->requests_per_second = arguments.requests_per_second;
  if (!arguments.latency.empty()) {
    const auto latency = config::ParseDuration(arguments.latency);
    if (!latency) return Complain("--latency: " + latency.error()), false;
    options->latency = *latency;
  }
  if (!arguments.bandwidth.empty()) {
    const auto bandwidth = config::ParseSize(arguments.bandwidth);
    if (!bandwidth) return Complain("--bandwidth (bytes per second): " + bandwidth.error()), false;
    options->bandwidth_bytes = *bandwidth;
  }
  if (!arguments.faults_file.empty()) {
    auto faults = config::LoadFaults(arguments.faults_file, s3::ProcessEnvironment());
    if (!faults) return fmt::print(stderr, "{}", config::FormatProblems(faults.error())), false;
    options->faults = std::move(*faults);
  }
  return true;
}

std::variant<std::unique_ptr<s3::TraceLog>, pipeline::ExitStatus> OpenTrace(const config::Job& job) {
  const auto& path = job.pipeline.report.trace_http;
  if (path.empty()) return std::unique_ptr<s3::TraceLog>();
  auto log = s3::TraceLog::Open(path);
  if (log) return std::move(*log);
  Complain(log.error().message);
  return pipeline::kExitJournal;
}

void PrintRunResult(const pipeline::RunResult& run, const pipeline::StopControl& stop) {
  if (run.summary.found > 0) fmt::print("{}", pipeline::HumanSummary(run.summary, stop.cause()));
  if (run.summary.found > 0) fmt::print("records: {}\n", run.run_dir);
  const bool stopped = run.status == pipeline::kExitStopped || run.status == pipeline::kExitInterrupted;
  if (stopped && run.summary.found > 0 && run.summary.WorkLeft())
    fmt::print("to go on: the same command with --run-dir {}\n", run.run_dir);
  std::fflush(stdout);
  if (!run.message.empty()) Complain(run.message);
}

}  // namespace cli
