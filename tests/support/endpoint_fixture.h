// A client that tests what the embedded endpoint does.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "s3/client/client.h"
#include "s3/endpoint/server.h"
#include "s3/stores/store_profiles.h"
#include "s3/transport/event_loop.h"
#include "tests/support/client_fixture.h"
#include "tests/support/support.h"

namespace test {

// One client of one server. Unlike ClientFixture it can sign with wrong credentials, and has short timeouts
// for a silent server.
struct EndpointFixture {
  explicit EndpointFixture(s3::endpoint::ServerOptions server_options,
                           std::optional<s3::Credentials> credentials = std::nullopt,
                           std::string region = "us-east-1")
      : silent(!server_options.faults.empty() &&
               server_options.faults[0].action == s3::endpoint::FaultAction::kNoResponse),
        server(std::move(server_options)),
        options([&] {
          auto quick = OptionsFor(server);
          quick.destination.region = region;
          // A short window only if a fault makes the endpoint silent. In other tests it could end exchanges
          // on a busy machine.
          if (silent) quick.transport.stall_window = std::chrono::milliseconds(150);
          return quick;
        }()),
        loop(options.transport, 8),
        facts(options.destination, s3::ResolveBucket(options.destination).value(), nullptr),
        cache(Fixed(credentials.value_or(server.credentials()))),
        client(&facts, &cache, &free.admission, options.retry,
               s3::ResolveIntegrity(options.integrity, options.destination), &loop, &waiter, {}) {}

  s3::RetryResult Put(std::string_view key, std::string_view body) {
    static const s3::ObjectProperties kNone;
    return client.PutObject({key, &kNone}, s3::MakePayload(body, client.integrity()), "",
                            [](const s3::RetryEvent&) {});
  }
  std::string Stored(const std::string& key) {
    const auto data = server.store().Get("bucket", key);
    return data ? data->Read(0, 1 << 20) : "(absent)";
  }

  const bool silent;
  s3::endpoint::Server server;
  s3::Options options;
  s3::BlockingWaiter waiter;
  s3::EventLoop loop;
  s3::StoreContextCache facts;
  s3::CredentialCache cache;
  FreeAdmission free;
  s3::Client client;
};

}  // namespace test
