#include "pipeline/cli/endpoint_arguments.h"

#include "config/faults.h"
#include "config/scalars.h"
#include "s3/base/environment.h"
#include "s3/base/text.h"

namespace cli {
namespace {

s3::endpoint::Conditions ConditionsOf(const std::string& ignored) {
  if (ignored == "all") return s3::endpoint::Conditions::kIgnored;
  if (ignored == "complete") return s3::endpoint::Conditions::kIgnoredOnComplete;
  return s3::endpoint::ServerOptions{}.conditions;
}

}  // namespace

tl::expected<void, ExitError> ApplyEndpointArguments(const EndpointArguments& arguments,
                                                     s3::endpoint::ServerOptions* options) {
  options->requests_per_second = arguments.requests_per_second;
  options->jitter = arguments.jitter;
  options->conditions = ConditionsOf(arguments.ignore_conditions);
  for (const auto& name : arguments.refused_headers) {
    options->refused_headers.push_back(s3::LowerCase(name));
  }
  if (!arguments.latency.empty()) {
    const auto latency = config::ParseDuration(arguments.latency);
    if (!latency) return Fail(pipeline::kExitUsage, "--latency: " + latency.error());
    options->latency = *latency;
  }
  if (arguments.jitter > 0 && arguments.latency.empty()) {
    return Fail(pipeline::kExitUsage, "--jitter needs --latency, because it varies that latency");
  }
  if (!arguments.bandwidth.empty()) {
    const auto bandwidth = config::ParseSize(arguments.bandwidth);
    if (!bandwidth) {
      return Fail(pipeline::kExitUsage, "--bandwidth (bytes per second): " + bandwidth.error());
    }
    options->bandwidth_bytes = *bandwidth;
  }
  if (!arguments.faults_file.empty()) {
    auto faults = config::LoadFaults(arguments.faults_file, s3::ProcessEnvironment());
    if (!faults) return Fail(pipeline::kExitUsage, faults.error());
    options->faults = std::move(*faults);
  }
  return {};
}

}  // namespace cli
