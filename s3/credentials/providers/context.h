// What all credential providers share: their environment, and how they send HTTP requests.
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

struct ProviderContext;

// Sends one request and blocks the calling thread until the exchange has ended; aborts it if a stop is
// requested.
using SendRequest =
    std::function<HttpResponse(const HttpRequest&, const TransportOptions&, const ProviderContext&)>;
HttpResponse SendOverHttp(const HttpRequest& request, const TransportOptions& options,
                          const ProviderContext& context);

struct ProviderContext {
  Environment environment;
  // The region of STS if neither environment nor profile name one.
  std::string region = "us-east-1";
  // For STS and SSO: the certificates and proxies of the store.
  TransportOptions services{};
  // Secret values that are removed from the environment of child processes.
  std::vector<Secret> hidden{};
  // Receives warnings of one line.
  std::function<void(std::string_view)> warn = [](std::string_view) {};
  SendRequest send = SendOverHttp;
  // Not owned; null for none.
  TraceLog* trace = nullptr;
  std::stop_token stop{};
};

// Sends the request up to `attempts` times, one second apart, until a response is neither a 5xx nor a 429.
// `what` is the beginning of the error message: "STS at https://...".
Result<HttpResponse> SendWithRetries(const ProviderContext& context, const HttpRequest& request,
                                     const TransportOptions& options, int attempts, std::string_view what);

// The number of attempts for STS and SSO.
inline constexpr int kServiceAttempts = 3;

inline tl::unexpected<Error> BadCredentials(std::string message) {
  return Fail(ErrorKind::kBadCredentials, std::move(message));
}

// For AWS's services: certificates and proxies of the store; each exchange ends after 30 s.
TransportOptions ServiceTransport(const ProviderContext& context);
// For addresses of this machine and its surroundings: never through a proxy; each exchange ends after
// `timeout`.
TransportOptions MetadataTransport(std::chrono::milliseconds timeout);

}  // namespace s3
