// A rehearsal is a test run of the whole job against an embedded endpoint, with faults if wanted. Nothing
// leaves the machine.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "pipeline/cli/command_context.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/endpoint_arguments.h"
#include "pipeline/cli/job_loading.h"
#include "pipeline/cli/output.h"
#include "pipeline/cli/read_back.h"
#include "pipeline/report/format.h"
#include "s3/endpoint/server.h"
#include "s3/stores/store_profiles.h"

namespace cli {
namespace {

// A temporary directory. The destructor removes it with its content, even if an exception ends the command.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::error_code problem;
    path_ = (std::filesystem::temp_directory_path(problem) / "s3flow-rehearsal-XXXXXX").string();
    if (problem) throw std::system_error(problem, "TMPDIR (directory for the embedded store)");
    if (mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

tl::expected<s3::endpoint::ServerOptions, ExitError> ServerOptionsOf(
    const s3::DestinationOptions& destination, const EndpointArguments& arguments,
    const std::string& directory) {
  s3::endpoint::ServerOptions options;
  options.region = destination.region;
  options.emulated_profile = &s3::ProfileOf(destination);
  options.storage = s3::endpoint::Storage::kDirectory;
  options.directory = directory;
  options.buckets = {destination.bucket};
  if (const auto applied = ApplyEndpointArguments(arguments, &options); !applied) {
    return tl::unexpected(applied.error());
  }
  return options;
}

// Redirects the job to the embedded endpoint. The job keeps the profile of its own store, which the endpoint
// emulates, because the profile decides some settings of the job.
void Redirect(const s3::endpoint::Server& server, config::Job* job) {
  auto& destination = job->s3.destination;
  destination.profile = s3::ProfileOf(destination).name;
  destination.endpoint = server.endpoint();
  destination.endpoints.clear();
  destination.dualstack = false;
  destination.fips = false;
  destination.accelerate = false;
  destination.addressing = s3::Addressing::kPath;
  job->s3.transport.proxy = {.from_environment = false};
  job->pipeline.identity.kind = pipeline::RunKind::kRehearsal;
}

int MaxInFlight(const s3::endpoint::ServerStats& stats, const char* operation) {
  const auto found = stats.max_in_flight.find(operation);
  return found == stats.max_in_flight.end() ? 0 : found->second;
}

}  // namespace

CommandResult Rehearse(const JobArguments& arguments, const EndpointArguments& endpoint) {
  auto job = LoadJob(arguments);
  if (!job) return tl::unexpected(job.error());
  PrintNotes(*job);
  const TemporaryDirectory directory;
  const auto options = ServerOptionsOf(job->s3.destination, endpoint, directory.path());
  if (!options) return tl::unexpected(options.error());

  CommandContext context;
  if (const auto opened = context.OpenTrace(*job); !opened) return tl::unexpected(opened.error());
  s3::endpoint::Server server(*options);
  Redirect(server, &*job);
  Say(fmt::format("rehearsing against {}: nothing leaves this machine", server.endpoint()));
  const auto run = pipeline::Run(job->pipeline, job->s3, {{server.credentials(), "the endpoint"}},
                                 context.stop(), context.trace());
  PrintRunResult(run, *context.stop(), job->pipeline.report.log, "");
  if (run.summary.found == 0) return run.status;

  const auto stats = server.stats();
  const int most = std::max(MaxInFlight(stats, "PutObject"), MaxInFlight(stats, "UploadPart"));
  Say(fmt::format("endpoint: at most {} in flight, {} injected",
                  pipeline::Counted(static_cast<std::uint64_t>(most), "request", "requests"),
                  pipeline::Counted(stats.faults_injected, "fault", "faults")));
  const auto& bucket = job->s3.destination.bucket;
  const bool agrees = ReadBackAndCompare(server.store(), bucket, run.run_dir);
  const auto orphans = server.CountUploads(bucket);
  if (orphans > 0)
    PrintError(fmt::format("left in the store: {}",
                           pipeline::Counted(orphans, "multipart upload", "multipart uploads")));
  return agrees ? run.status : pipeline::kExitBroken;
}

}  // namespace cli
