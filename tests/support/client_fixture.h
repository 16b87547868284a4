// A client of an embedded endpoint, for the tests of s3/.
#pragma once

#include <string>
#include <vector>

#include "s3/client/client.h"
#include "s3/endpoint/server.h"
#include "s3/stores/store_profiles.h"
#include "s3/transport/event_loop_group.h"
#include "tests/support/support.h"

namespace test {

inline s3::endpoint::ServerOptions WithBucket(std::vector<s3::endpoint::FaultRule> faults = {}) {
  s3::endpoint::ServerOptions options;
  options.buckets = {"bucket"};
  options.faults = std::move(faults);
  return options;
}

inline void IgnoreRetries(const s3::RetryEvent&) {}

struct ClientFixture {
  explicit ClientFixture(s3::endpoint::ServerOptions server_options, s3::IntegrityOptions integrity = {},
                         int max_attempts = 8, std::string region = "us-east-1")
      : silent(IsSilent(server_options)),
        server(std::move(server_options)),
        options(OptionsWith(max_attempts, std::move(region))),
        loops(options.transport, 2, 16),
        facts(options.destination, s3::ResolveBucket(options.destination).value(),
              [this](std::string_view text) { notices.emplace_back(text); }),
        credentials(Fixed(server.credentials())),
        admission(&limits, {.notice = [this](std::string_view text) { notices.emplace_back(text); }}),
        client(&facts, &credentials, &admission, options.retry,
               s3::ResolveIntegrity(integrity, options.destination), &loops, &waiter, {}) {}

  s3::RetryResult Put(std::string_view key, std::string_view body, std::string_view token = "") {
    return client.PutObject({key, &properties}, s3::MakePayload(body, client.integrity()), token,
                            IgnoreRetries);
  }
  std::string Stored(const std::string& key) {
    const auto info = server.store().Head("bucket", key);
    const auto data = server.store().Get("bucket", key);
    return info && data ? data->Read(0, info->size_bytes) : "(absent)";
  }

  const bool silent;
  s3::endpoint::Server server;
  s3::Options options;
  s3::ObjectProperties properties;
  s3::BlockingWaiter waiter;
  s3::EventLoopGroup loops;
  std::vector<std::string> notices;  // written by one thread; for tests of what the client learns
  s3::StoreContextCache facts;
  s3::CredentialCache credentials;
  s3::RateLimits limits;
  s3::AdmissionController admission;
  s3::Client client;

 private:
  s3::Options OptionsWith(int max_attempts, std::string region) const {
    auto with = OptionsFor(server);
    with.destination.region = std::move(region);
    with.retry.max_attempts = max_attempts;
    // Short timeouts only if a fault makes the endpoint silent. Otherwise a busy machine could cause a
    // timeout.
    if (silent) with.transport.stall_window = with.transport.completion_window = std::chrono::seconds(2);
    return with;
  }
  static bool IsSilent(const s3::endpoint::ServerOptions& server_options) {
    for (const auto& rule : server_options.faults) {
      if (rule.action == s3::endpoint::FaultAction::kNoResponse) return true;
    }
    return false;
  }
};

}  // namespace test
