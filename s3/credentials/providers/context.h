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
  // The region of STS if neither the environment nor the profile names one.
  std::string region = "us-east-1";
  // The certificates and proxies for STS and SSO: the same as for the store.
  TransportOptions services{};
  // Variables with these values are removed from the environment of child processes.
  std::vector<Secret> hidden{};
  // Receives warnings of one line.
  std::function<void(std::string_view)> warn = [](std::string_view) {};
  SendRequest send = SendOverHttp;
  // Receives a trace of the requests. Not owned; null for no trace.
  TraceLog* trace = nullptr;
  std::stop_token stop{};
};

// Sends the request up to `attempts` times, with pauses of one second, until a response is neither a 5xx nor
// a 429. `what` is the beginning of the error message: "STS at https://...".
Result<HttpResponse> SendWithRetries(const ProviderContext& context, const HttpRequest& request,
                                     const TransportOptions& options, int attempts, std::string_view what);

// The number of attempts for STS and SSO.
inline constexpr int kServiceAttempts = 3;

inline tl::unexpected<Error> BadCredentials(std::string message) {
  return Fail(ErrorKind::kBadCredentials, std::move(message));
}

// Returns the options for AWS's services: certificates and proxies of the store. Each exchange ends after 30
// s at the latest.
TransportOptions ServiceTransport(const ProviderContext& context);
// Returns the options for metadata services: never through a proxy. Each exchange ends after `timeout` at the
// latest.
TransportOptions MetadataTransport(std::chrono::milliseconds timeout);

}  // namespace s3
