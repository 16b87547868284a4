#include "pipeline/cli/endpoint_arguments.h"

#include <CLI/CLI.hpp>

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

void AddEndpointArguments(CLI::App* command, EndpointArguments* arguments) {
  command->add_option("--requests-per-second", arguments->requests_per_second,
                      "Answer SlowDown above this rate");
  command->add_option("--latency", arguments->latency, "Delay before each response, for example 20ms")
      ->type_name("TIME");
  command
      ->add_option("--jitter", arguments->jitter,
                   "Draw latencies from a log-normal distribution with the median --latency and this sigma")
      ->check(CLI::Range(0.0, 1.5));
  command
      ->add_option("--bandwidth", arguments->bandwidth,
                   "Receive at most this many bytes per second, for example 10MiB")
      ->type_name("SIZE");
  command
      ->add_option(
          "--ignore-conditions", arguments->ignore_conditions,
          "Ignore If-None-Match and If-Match on all writes, or only when a multipart upload is completed")
      ->check(CLI::IsMember({"all", "complete"}));
  command
      ->add_option("--refuse-header", arguments->refused_headers,
                   "Answer NotImplemented to requests with this header; may be given several times")
      ->type_name("NAME")
      ->take_all()
      ->expected(1);
  command
      ->add_option("--faults", arguments->faults_file,
                   "A YAML file of faults to inject; see \"Faults files\" in config/REFERENCE.md")
      ->type_name("FILE");
}

CLI::App* AddServe(CLI::App* app, ServeArguments* arguments) {
  auto* command = app->add_subcommand("serve", "Run only the embedded S3 endpoint, on 127.0.0.1");
  command->add_option("DIR", arguments->directory, "Directory for the objects")->required();
  command->add_option("--port", arguments->port, "Port; 0 chooses a free port")->check(CLI::Range(0, 65535));
  command->add_option("--bucket", arguments->buckets, "A bucket to create; may be given several times")
      ->take_all()
      ->expected(1);
  command
      ->add_option("--domain", arguments->domain,
                   "Requests to the host BUCKET.NAME are for that bucket (virtual-hosted style)")
      ->type_name("NAME");
  command->add_flag("--discard", arguments->discard, "Hash and discard bodies instead of storing them");
  command
      ->add_option("--profile", arguments->profile,
                   "Emulate a store profile: refuse what such a store refuses. For example r2")
      ->type_name("NAME");
  command->add_flag("--log-requests", arguments->log_requests, "Print one line for each request");
  AddEndpointArguments(command, &arguments->endpoint);
  return command;
}

}  // namespace cli
