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

// kAuto becomes kDirect, but kLibcurl where direct may not get through:
// - An http endpoint behind a proxy. direct asks the proxy for a tunnel (CONNECT), which many proxies refuse for
//   other ports than 443; with libcurl the proxy forwards each request.
// - A proxy URL with a user: direct knows the Basic scheme only.
TransportChoice ChooseTransport(const TransportOptions& options, const Endpoint& endpoint);

// The word of the job file: "auto", "libcurl" or "direct".
std::string_view NameOf(TransportKind kind);

// The version of the libcurl that this process uses.
std::string CurlVersion();

}  // namespace s3
