#include "pipeline/cli/credentials.h"

#include <fmt/format.h>

#include "pipeline/cli/output.h"
#include "s3/credentials/providers/chain.h"

namespace cli {
namespace {

// Returns the secrets of the job. The job may have taken them from the environment, but a credential_process
// must not inherit them.
std::vector<s3::Secret> SecretsOf(const config::Job& job) {
  std::vector<s3::Secret> secrets{job.s3.credentials.secret_access_key, job.s3.credentials.session_token,
                                  job.s3.transport.proxy.url};
  secrets.push_back(job.pipeline.object.properties.customer_key());
  for (const auto& rule : job.pipeline.object.rules) secrets.push_back(rule.properties.customer_key());
  return secrets;
}

}  // namespace

s3::Result<pipeline::RunCredentials> ProvideCredentials(const config::Job& job, s3::TraceLog* trace,
                                                        std::stop_token stop) {
  s3::ProviderContext context{
      .environment = s3::ProcessEnvironment(),
      .region = job.s3.destination.region,
      .services = job.s3.transport,
      .hidden = SecretsOf(job),
      .warn = [](std::string_view text) { PrintError(fmt::format("warning: {}", text)); },
      .trace = trace,
      .stop = std::move(stop)};
  auto first = s3::LoadCredentials(job.s3.credentials, context);
  if (!first) return tl::unexpected(first.error());
  context.warn = [](std::string_view) {};  // each warning was printed once
  auto renew = [options = job.s3.credentials, context](std::stop_token end) {
    auto renewal = context;
    renewal.stop = std::move(end);
    return s3::LoadCredentials(options, renewal);
  };
  return pipeline::RunCredentials{std::move(*first), std::move(renew)};
}

}  // namespace cli
