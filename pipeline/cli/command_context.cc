#include "pipeline/cli/command_context.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "pipeline/cli/credentials.h"
#include "pipeline/fs/files.h"
#include "pipeline/fs/own_dir.h"
#include "s3/base/unique_fd.h"

namespace cli {
namespace {

// Opens the trace file. A path that names an open descriptor of this process is a link, so open(2) is used,
// which follows links. Any other path must name a regular file, see OwnDir.
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

CommandContext::CommandContext(std::function<void()> on_hangup) : signals_(&stop_, std::move(on_hangup)) {}

tl::expected<void, ExitError> CommandContext::OpenTrace(const config::Job& job) {
  const auto& path = job.pipeline.report.trace_http;
  if (path.empty()) return {};
  auto file = OpenForTrace(path);
  if (!file) return Fail(pipeline::kExitJournal, "cannot write the trace: " + file.error().message);
  trace_ = std::make_unique<s3::TraceLog>(std::move(*file));
  return {};
}

tl::expected<pipeline::RunCredentials, ExitError> CommandContext::FetchCredentials(const config::Job& job) {
  auto credentials = ProvideCredentials(job, trace_.get(), stop_.drain_token());
  if (!credentials) return Fail(StatusOr(pipeline::kExitRefused), credentials.error().message);
  return std::move(*credentials);
}

pipeline::ExitStatus CommandContext::StatusOr(pipeline::ExitStatus status) const {
  const auto cause = stop_.cause();
  return cause ? pipeline::ExitStatusOf(*cause) : status;
}

std::string CommandContext::ReasonOr(const std::string& text) const {
  return stop_.cause() == pipeline::StopCause::kStoreUnreachable ? stop_.message() : text;
}

}  // namespace cli
