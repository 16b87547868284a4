#include "pipeline/run/run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/report/terminal.h"
#include "pipeline/run/run_setup.h"
#include "pipeline/run/session.h"
#include "pipeline/run/status_writer.h"
#include "pipeline/source/empty_source.h"
#include "s3/base/environment.h"

namespace pipeline {
namespace {

std::string DefaultRunDir() {
  return fmt::format("{}/{:%Y%m%dT%H%M%SZ}-{}", kDefaultRunDirs, fmt::gmtime(std::time(nullptr)), getpid());
}

// Names the run directory if the job does not. Returns the --run-dir that resumes the run; empty when the
// same command does so.
std::string NameRunDir(Options* options) {
  auto& run_dir = options->report.run_dir;
  if (!options->shard) {
    if (run_dir.empty()) run_dir = DefaultRunDir();
    return run_dir;
  }
  if (!options->shard->plan_dir.empty()) return "";
  const auto name = "/" + ShardRunDirName(options->shard->shard.index);
  if (run_dir.empty()) run_dir = DefaultRunDir() + name;
  return run_dir.substr(0, run_dir.size() - name.size());
}

bool MayBeEmpty(const Options& options) {
  if (options.shard) return true;  // all inputs may be in other shards
  return std::all_of(options.source.begin(), options.source.end(),
                     [](const auto& root) { return root.allow_empty; });
}

RunResult Refused(RunResult run, const Refusal& refusal) {
  run.status = refusal.status;
  run.message = refusal.message;
  return run;
}

// Returns why the run ended, for a person; empty if it simply finished.
std::string MessageOf(const RunResult& run, const StopControl& stop, const s3::Options& s3_options,
                      const RunCredentials& credentials, const RunSetup& setup) {
  if (stop.cause() != StopCause::kRefused) return stop.message();
  auto where = fmt::format("bucket {} at {}", s3_options.destination.bucket,
                           setup.buckets.front().endpoint.HostAndPort());
  if (run.summary.failures_by_kind.contains(std::string(s3::KindName(s3::ErrorKind::kBadCredentials)))) {
    where += ", " + DescribeKey(credentials.first);
  }
  return fmt::format("{} ({})", stop.message(), where);
}

// Opens report.log_file to append to it. Returns no descriptor if the job sets no log file.
tl::expected<s3::UniqueFd, Refusal> OpenLog(const ReportOptions& options) {
  const auto& path = options.log_file;
  if (path.empty()) return s3::UniqueFd(-1);
  auto file = OwnDir::Around(path, Trust::kOthers).and_then([&path](const auto& directory) {
    return directory.Append(NameOf(path), 0600);
  });
  if (!file) return Refuse(kExitJournal, "cannot write the log file: " + file.error().message);
  return std::move(*file);
}

LiveStatus FirstStatus(const RunIdentity& identity, const RunDirectory& directory) {
  const std::int64_t now = std::time(nullptr);
  return {.host = s3::HostName(),
          .process = getpid(),
          .shard = identity.shard,
          .session = directory.session(),
          .started_s = now,
          .updated_s = now};
}

// Adds when and where the session ran, and its job and destination.
void Describe(const LiveStatus& first, const RunIdentity& identity, const RunSetup& setup,
              const s3::DestinationOptions& destination, Summary* summary) {
  summary->started_s = first.started_s;
  summary->ended_s = std::time(nullptr);
  summary->host = first.host;
  summary->job_file = identity.job_file;
  summary->endpoint = setup.buckets.front().endpoint.Url();
  summary->bucket = destination.bucket;
  summary->prefix = destination.prefix;
}

// Writes the end to the journal, then the summary. If either fails, the run ends with 74, even if all uploads
// succeeded. Returns true if the journal says that the run is complete.
bool RecordEnd(const RunDirectory& directory, RunResult* run) {
  const bool complete =
      !run->summary.WorkLeft() && run->summary.uploads_left == 0 && run->status != kExitBroken;
  auto written = directory.journal()->Append(EndLine({run->status, complete}));
  if (written) written = directory.journal()->Sync();
  if (!written) {
    run->status = kExitJournal;
    run->message = "cannot write the journal: " + written.error().message;
  }
  const auto summary = directory.dir().Write(kSummaryName, SummaryJson(run->summary, run->status), 0644);
  if (!summary && run->status != kExitBroken) {
    run->status = kExitJournal;
    run->message = "cannot write the summary: " + summary.error().message;
  }
  return complete && written;
}

}  // namespace

void SetRateLimits(const LimitOptions& options, s3::RateLimits* limits) {
  limits->bytes_per_second = options.bandwidth_bytes;
  limits->requests_per_second = static_cast<std::uint64_t>(options.requests_per_second);
}

RunResult Run(const Options& given, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace, s3::RateLimits* limits) {
  auto options = given;
  RunResult run;
  run.run_dir_argument = NameRunDir(&options);
  run.run_dir = options.report.run_dir;
  s3::RateLimits own_limits;
  SetRateLimits(options.limits, &own_limits);
  const auto setup = SetUpRun(options, s3_options);
  if (!setup) return Refused(run, setup.error());
  auto directory = RunDirectory::Open(run.run_dir, options.identity, ScopeOf(options, s3_options),
                                      options.resume, DrainOnJournalFailure(stop));
  if (!directory) return Refused(run, directory.error());
  run.has_records = true;
  const auto first_status = FirstStatus(options.identity, *directory);
  StatusWriter status(directory->dir(), first_status);

  const auto log = OpenLog(options.report);
  if (!log) {
    run = Refused(run, log.error());
    Describe(first_status, options.identity, *setup, s3_options.destination, &run.summary);
    RecordEnd(*directory, &run);
    status.End(run.summary, run.status);
    return run;
  }
  run.summary = RunSession({.setup = *setup,
                            .s3_options = s3_options,
                            .credentials = credentials,
                            .directory = *directory,
                            .stop = stop,
                            .trace = trace,
                            .limits = limits != nullptr ? limits : &own_limits,
                            .status = &status,
                            .log_fd = log->get()});
  Describe(first_status, options.identity, *setup, s3_options.destination, &run.summary);
  run.status = ExitStatusOf(run.summary, stop->cause(), MayBeEmpty(options));
  run.message = MessageOf(run, *stop, s3_options, credentials, *setup);
  const bool is_complete = RecordEnd(*directory, &run);
  status.End(run.summary, run.status);
  // EmptySourceText() walks the source once more, so it is called after the end is recorded.
  if (run.status == kExitNoInput) run.message = EmptySourceText(setup->options);
  if (const auto problem = status.problem(); !problem.empty()) {
    PrintNote("status.json and metrics.prom are out of date: " + problem);
  }
  const bool compresses = is_complete && options.report.journal == JournalDetail::kCompact;
  const auto compressed = compresses ? directory->CompressJournal(stop->drain_token()) : s3::Result<void>();
  if (!compressed) PrintNote(compressed.error().message);
  return run;
}

}  // namespace pipeline
