// What the credential providers work with, and how they ask over HTTP.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "s3/base/environment.h"
#include "s3/credentials.h"
#include "s3/http.h"
#include "s3/options.h"
#include "s3/transport/trace.h"

namespace s3 {

// Sends one request and waits for its end in the calling thread; aborted when a stop is requested.
struct ProviderContext;
using SendRequest =
    std::function<HttpResponse(const HttpRequest&, const TransportOptions&, const ProviderContext&)>;
HttpResponse SendOverHttp(const HttpRequest& request, const TransportOptions& options,
                          const ProviderContext& context);

struct ProviderContext {
  Environment environment;
  // STS's region when neither profile nor environment name one.
  std::string region = "us-east-1";
  // How STS and SSO are reached: certificates and proxies as for the store.
  TransportOptions services{};
  // Values that no child process finds in its environment.
  std::vector<Secret> hidden{};
  // Told, in one line, what is no error and should be known.
  std::function<void(std::string_view)> warn = [](std::string_view) {};
  SendRequest send = SendOverHttp;
  // Not owned; null for none.
  TraceLog* trace = nullptr;
  std::stop_token stop{};
};

// Sends up to `attempts` times, a second apart, until an answer comes that is neither a 5xx nor a 429.
// `what` begins the message of an error: "STS at https://...".
Result<HttpResponse> Ask(const ProviderContext& context, const HttpRequest& request,
                         const TransportOptions& options, int attempts, std::string_view what);

// STS and SSO are asked as often.
inline constexpr int kServiceAttempts = 3;

inline tl::unexpected<Error> BadCredentials(std::string message) {
  return Fail(ErrorKind::kBadCredentials, std::move(message));
}

// Services: as the store is reached, and each exchange ends after 30 s.
TransportOptions ServiceTransport(const ProviderContext& context);
// Addresses of this machine's surroundings: never through a proxy; each exchange ends after `timeout`.
TransportOptions MetadataTransport(std::chrono::milliseconds timeout);

}  // namespace s3
