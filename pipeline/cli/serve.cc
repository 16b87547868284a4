#include "s3/endpoint/server.h"

#include <fmt/format.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

#include "pipeline/cli/common.h"
#include "pipeline/cli/signals.h"
#include "s3/credentials.h"

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

}  // namespace

pipeline::ExitStatus Serve(const ServeArguments& arguments) {
  s3::endpoint::ServerOptions options;
  options.port = arguments.port;
  options.storage = arguments.discard ? s3::endpoint::Storage::kDiscard : s3::endpoint::Storage::kDirectory;
  options.directory = arguments.directory;
  options.buckets = arguments.buckets;
  if (!ApplyEndpointArguments(arguments.endpoint, &options)) return pipeline::kExitUsage;
  if (!arguments.profile.empty()) {
    options.imitated = s3::FindStoreProfile(arguments.profile);
    if (options.imitated == nullptr) {
      return PrintError(fmt::format("--profile: there is no profile '{}'", arguments.profile)),
             pipeline::kExitUsage;
    }
  }
  for (const auto& bucket : options.buckets) {
    if (const auto problem = s3::BucketNameProblem(bucket))
      return PrintError("--bucket: " + *problem), pipeline::kExitUsage;
  }
  const auto environment = s3::ProcessEnvironment();
  const auto id = environment("AWS_ACCESS_KEY_ID");
  const auto secret = environment("AWS_SECRET_ACCESS_KEY");
  if (id.has_value() != secret.has_value()) {
    PrintError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together; without both, serve makes some");
    return pipeline::kExitUsage;
  }
  options.access_key_id = id.value_or("");
  options.secret_access_key = s3::Secret(secret.value_or(""));

  pipeline::StopControl stop;
  const SignalThread signals(&stop);
  s3::endpoint::Server server(options);
  const auto credentials = server.credentials();
  // The one place that shows a secret: it was made here, and nobody could know it otherwise.
  Say(fmt::format("listening on {}, access key ID {}{}{}", server.endpoint(), credentials.access_key_id,
                  secret ? "" : ", secret access key ",
                  secret ? "" : credentials.secret_access_key.Reveal()));
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop.drain_token(), [] { return false; });
  Say(StatsJson(server.stats()));
  return pipeline::kExitOk;
}

}  // namespace cli
