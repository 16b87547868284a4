#include "s3/endpoint/server.h"

#include <fmt/format.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <system_error>

#include "pipeline/cli/command_context.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/endpoint_arguments.h"
#include "pipeline/cli/output.h"
#include "pipeline/report/format.h"
#include "s3/base/environment.h"
#include "s3/base/text.h"
#include "s3/stores/store_profiles.h"

namespace cli {
namespace {

std::string StatsJson(const s3::endpoint::ServerStats& stats) {
  return nlohmann::ordered_json{{"requests", stats.requests},
                                {"max_in_flight", stats.max_in_flight},
                                {"faults_injected", stats.faults_injected},
                                {"slowed_down", stats.slowed_down},
                                {"refused_signatures", stats.refused_signatures},
                                {"refused_headers", stats.refused_headers}}
      .dump();
}

// One line for each request: time, status, operation, path, size of the body and duration. A path contains no
// credentials.
std::string RequestLine(const s3::endpoint::RequestRecord& request) {
  return fmt::format("{} {} {} {} {} B {:.1f} ms{}",
                     pipeline::LocalTimestamp(std::chrono::system_clock::now()), request.status,
                     request.operation.empty() ? request.method : request.operation,
                     s3::Printable(request.path), request.body_bytes, request.took.count() * 1e3,
                     request.has_fault ? " fault" : "");
}

// Returns the server's options, from the arguments and the environment. The credentials come from
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. If neither variable is set, the server makes random ones; if
// only one is set, fails.
tl::expected<s3::endpoint::ServerOptions, ExitError> ServerOptionsOf(const ServeArguments& arguments) {
  s3::endpoint::ServerOptions options;
  options.port = arguments.port;
  options.storage = arguments.discard ? s3::endpoint::Storage::kDiscard : s3::endpoint::Storage::kDirectory;
  options.directory = arguments.directory;
  options.buckets = arguments.buckets;
  options.domain = s3::LowerCase(arguments.domain);
  if (arguments.log_requests) options.on_request = [](const auto& request) { Say(RequestLine(request)); };
  if (const auto applied = ApplyEndpointArguments(arguments.endpoint, &options); !applied) {
    return tl::unexpected(applied.error());
  }
  if (!arguments.profile.empty()) {
    options.emulated_profile = s3::FindStoreProfile(arguments.profile);
    if (options.emulated_profile == nullptr) {
      return Fail(pipeline::kExitUsage,
                  fmt::format("--profile: there is no profile '{}'", arguments.profile));
    }
  }
  for (const auto& bucket : options.buckets) {
    if (const auto problem = s3::BucketNameProblem(bucket)) {
      return Fail(pipeline::kExitUsage, "--bucket: " + *problem);
    }
  }
  const auto environment = s3::ProcessEnvironment();
  const auto id = environment("AWS_ACCESS_KEY_ID");
  const auto secret = environment("AWS_SECRET_ACCESS_KEY");
  if (id.has_value() != secret.has_value()) {
    return Fail(
        pipeline::kExitUsage,
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: set both, or none to get random "
        "ones");
  }
  options.access_key_id = id.value_or("");
  options.secret_access_key = s3::Secret(secret.value_or(""));
  return options;
}

// This is the only place that shows a secret. It shows only a random secret, which the user cannot learn in
// another way.
std::string Banner(const s3::endpoint::Server& server, bool has_random_secret) {
  const auto credentials = server.credentials();
  auto text = fmt::format("listening on {}, access key ID {}", server.endpoint(), credentials.access_key_id);
  if (has_random_secret) {
    text += fmt::format(", secret access key {}", credentials.secret_access_key.Reveal());
  }
  return text;
}

tl::expected<std::unique_ptr<s3::endpoint::Server>, ExitError> StartServer(
    const s3::endpoint::ServerOptions& options) {
  try {
    return std::make_unique<s3::endpoint::Server>(options);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::address_in_use && error.code() != std::errc::permission_denied) throw;
    const bool is_used = error.code() == std::errc::address_in_use;
    return Fail(pipeline::kExitSystem,
                fmt::format("port {} {}: choose another one with --port, or let s3flow choose (--port 0)",
                            options.port, is_used ? "is already in use" : "may not be used by this user"));
  }
}

void WaitFor(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, std::move(stop), [] { return false; });
}

}  // namespace

CommandResult Serve(const ServeArguments& arguments) {
  const auto options = ServerOptionsOf(arguments);
  if (!options) return tl::unexpected(options.error());
  const bool has_random_secret = options->access_key_id.empty();
  CommandContext context;
  const auto server = StartServer(*options);
  if (!server) return tl::unexpected(server.error());
  Say(Banner(**server, has_random_secret));
  WaitFor(context.stop()->drain_token());
  Say(StatsJson((*server)->stats()));
  return pipeline::kExitOk;
}

}  // namespace cli
