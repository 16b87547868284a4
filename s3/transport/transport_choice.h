// Which of the two transports carries the requests to an endpoint, and why.
#pragma once

#include <string>
#include <string_view>

#include "s3/options.h"
#include "s3/uri.h"

namespace s3 {

struct TransportChoice {
  TransportKind kind = TransportKind::kDirect;  // not kAuto
  std::string reason;
};

// Returns the kind that the options name. For kAuto, returns kDirect, except in two cases in which a proxy
// may refuse direct. Then it returns kLibcurl:
// - The endpoint is http and behind a proxy. direct asks the proxy for a tunnel (CONNECT), which many proxies
//   allow for port 443 only. With libcurl the proxy forwards each request.
// - The proxy's URL has a user. direct supports only the Basic scheme, but the proxy may require another.
TransportChoice ChooseTransport(const TransportOptions& options, const Endpoint& endpoint);

// Returns the name of `kind` in the job file: "auto", "libcurl" or "direct".
std::string_view NameOf(TransportKind kind);

// The version of the libcurl that this process uses.
std::string CurlVersion();

}  // namespace s3
