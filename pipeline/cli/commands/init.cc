#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include "pipeline/cli/commands/check.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/job_loading.h"
#include "pipeline/cli/output.h"
#include "pipeline/fs/files.h"
#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"
#include "pipeline/reports/report_output.h"

namespace cli {
namespace {

using namespace std::chrono_literals;

struct Destination {
  std::string bucket, prefix;
};

constexpr std::string_view kScheme = "s3://";

// Splits "s3://BUCKET/PREFIX". Other tools write a directory's files below a prefix without a slash, too, so
// a missing slash is added.
tl::expected<Destination, ExitError> DestinationOf(const std::string& url) {
  if (!url.starts_with(kScheme)) {
    return Fail(pipeline::kExitUsage,
                fmt::format("'{}' is no destination: s3flow init [DIR] s3://BUCKET/PREFIX", url));
  }
  const auto rest = url.substr(kScheme.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  Destination destination{rest.substr(0, slash), rest.substr(std::min(slash + 1, rest.size()))};
  if (!destination.prefix.empty() && !destination.prefix.ends_with('/')) destination.prefix += '/';
  return destination;
}

// Returns the glob of `directory` that matches only `file`; empty if the file is not below the directory.
std::string GlobOf(const std::string& file, const std::string& directory) {
  std::error_code error;
  const auto folder = std::filesystem::relative(std::filesystem::absolute(file, error).parent_path(),
                                                std::filesystem::absolute(directory, error), error);
  if (error || folder.empty() || *folder.begin() == "..") return "";
  const auto path = (folder / pipeline::NameOf(file)).lexically_normal().string();
  std::string glob = "/";
  for (const char c : path) {
    const bool is_special = c == '*' || c == '?' || c == '[';
    glob += is_special ? fmt::format("[{}]", c) : std::string(1, c);
  }
  return glob;
}

std::string Line(const char* key, const std::string& value, const char* comment) {
  const auto text = fmt::format("  {}: {}", key, config::YamlScalar(value));
  return fmt::format("{:<31} # {}\n", text, comment);
}

// Returns `line` as a comment that becomes a setting if its "# " is removed.
std::string Unset(const char* line, const char* comment) {
  return fmt::format("{:<31} # {}\n", line, comment);
}

std::string JobText(const InitArguments& arguments, const Destination& destination) {
  const auto own_glob =
      arguments.output == kStandardInputName ? "" : GlobOf(arguments.output, arguments.directory);
  std::string text =
      "# The files that s3flow uploads, and the store that receives them. To set a key that is a comment, "
      "remove its first \"# \".\n"
      "# `s3flow help job` lists all keys, and `s3flow help KEY` explains one.\n"
      "source:\n";
  text += fmt::format("{:<31} # all files below it\n",
                      fmt::format("  - path: {}", config::YamlScalar(arguments.directory)));
  text += Unset("#     include: [\"*.dat\"]", "only these files");
  text += !own_glob.empty() ? fmt::format("{:<31} # not these: this file itself\n",
                                          fmt::format("    exclude: [{}]", config::YamlScalar(own_glob)))
                            : Unset("#     exclude: [\"*.tmp\", \"cache/\"]", "not these");
  text += "destination:\n" + Line("bucket", destination.bucket, "it must exist");
  text += Line("prefix", destination.prefix, "the text before every key");
  text += arguments.endpoint.empty()
              ? Unset("#   endpoint: http://127.0.0.1:7480", "for a store other than AWS")
              : Line("endpoint", arguments.endpoint, "without it: AWS");
  text += arguments.region.empty() ? Unset("#   region: us-east-1", "default: the region in AWS's settings")
                                   : Line("region", arguments.region, "of the bucket");
  if (arguments.profile.empty()) {
    text +=
        "# credentials:                  # without them: the environment, then AWS's files and services\n";
    text += Unset("#   profile: default", "a section of ~/.aws/credentials or config");
  } else {
    text +=
        "credentials:\n" + Line("profile", arguments.profile, "a section of ~/.aws/credentials or config");
  }
  text += "# object:\n" + Unset("#   storage_class: STANDARD_IA", "of all objects");
  text += "# limits:\n" + Unset("#   time: 2h", "stop after 2 hours; the same command resumes the run");
  text += Unset("#   bandwidth: 100MiB", "per second");
  text += "# resume:\n" + Unset("#   skip: size_mtime", "skip files that the store has already");
  return text;
}

tl::expected<config::Job, ExitError> LoadText(const InitArguments& arguments, const std::string& text) {
  auto job = LoadJob({.job_file = arguments.output, .job_text = text});
  if (!job) job.error().status = pipeline::kExitUsage;
  return job;
}

// A person waits for the answer, so a store that is away is not waited for.
tl::expected<StoreProbe, ExitError> ProbeShortly(config::Job job,
                                                 const std::function<void(std::string_view)>& note) {
  job.s3.retry.max_attempts = 2;
  auto& transport = job.s3.transport;
  transport.connect_timeout = transport.stall_window = transport.response_timeout = 5s;
  transport.completion_window = 5s;
  return ProbeStore(job, note);
}

void Report(const config::Job& job, const StoreProbe& probe,
            const std::function<void(std::string_view)>& say) {
  say(fmt::format("store: {}, bucket {}, region {}: objects can be written", probe.host,
                  job.s3.destination.bucket, probe.region));
  say(fmt::format("credentials: {}", probe.credentials));
  if (probe.report.left_behind) say(fmt::format("could not be deleted from the store: {}", probe.key));
}

tl::expected<InitArguments, ExitError> Completed(InitArguments arguments) {
  if (arguments.url.empty()) arguments.url = std::exchange(arguments.directory, "");
  if (arguments.directory.empty()) arguments.directory = ".";
  if (arguments.url.empty()) {
    return Fail(pipeline::kExitUsage, "no destination: s3flow init [DIR] s3://BUCKET/PREFIX");
  }
  if (access(arguments.directory.c_str(), F_OK) != 0) {
    return Fail(pipeline::kExitNoInput, pipeline::ErrnoError(arguments.directory, errno).message);
  }
  return arguments;
}

}  // namespace

CommandResult Init(const InitArguments& given) {
  auto arguments = Completed(given);
  if (!arguments) return tl::unexpected(arguments.error());
  const auto destination = DestinationOf(arguments->url);
  if (!destination) return tl::unexpected(destination.error());
  const bool to_stdout = arguments->output == kStandardInputName;
  const auto say = [to_stdout](std::string_view line) {
    pipeline::PrintLine(to_stdout ? stderr : stdout, line);
  };
  auto job = LoadText(*arguments, JobText(*arguments, *destination));
  if (!job) return tl::unexpected(job.error());
  auto output = pipeline::ReportOutput::Open(to_stdout ? "" : arguments->output, arguments->force);
  if (!output) return Fail(output.error());
  PrintNotes(*job);

  std::optional<tl::expected<StoreProbe, ExitError>> probe;
  if (!arguments->no_probe) {
    probe = ProbeShortly(*job, [&](std::string_view text) { say(fmt::format("note: {}", text)); });
    const bool is_new_region = *probe && (*probe)->region != job->s3.destination.region;
    if (is_new_region) arguments->region = (*probe)->region;
    if (!*probe && (*probe).error().status == pipeline::kExitInterrupted)
      return tl::unexpected((*probe).error());
  }
  // An endpoint of AWS's settings, which the machine that runs the job may not have.
  if (arguments->endpoint.empty()) arguments->endpoint = job->s3.destination.endpoint;
  output->Append(JobText(*arguments, *destination));
  if (const auto written = output->Finish(); !written)
    return Fail(pipeline::kExitJournal, written.error().message);

  const auto file = to_stdout ? std::string("JOB.yaml") : pipeline::ShellWord(arguments->output);
  if (!to_stdout) say(fmt::format("written: {}", arguments->output));
  if (probe && *probe) Report(*job, **probe, say);
  if (probe && !*probe) {
    auto error = probe->error();
    error.AddLine(
        fmt::format("the job file is written, but the store could not be used: correct this, then test it "
                    "with s3flow check {} --probe (--no-probe does not ask the store)",
                    file));
    return tl::unexpected(error);
  }
  say(fmt::format("next: s3flow run {} --dry-run    # what would be uploaded", file));
  say(fmt::format("      s3flow run {}", file));
  return pipeline::kExitOk;
}

}  // namespace cli
