#include "s3/transport/transport_choice.h"

#include <curl/curl.h>

#include "s3/transport/curl_options.h"

namespace s3 {
namespace {

// libcurl 7.80 has CURLOPT_PREREQFUNCTION, 7.85 CURLOPT_PROTOCOLS_STR.
static_assert(LIBCURL_VERSION_NUM >= 0x075500, "s3flow needs libcurl 7.85 or newer");

}  // namespace

TransportChoice ChooseTransport(const TransportOptions& options, const Endpoint& endpoint) {
  if (options.kind != TransportKind::kAuto) return {options.kind, "upload.transport says so"};
  const auto proxy = ProxyUrl(options.proxy, endpoint.scheme);
  if (proxy.empty()) return {TransportKind::kDirect, "it costs less, and no proxy is set"};
  if (endpoint.scheme == "http")
    return {TransportKind::kLibcurl, "a proxy forwards requests to an http endpoint"};
  if (proxy.find('@') != std::string::npos)
    return {TransportKind::kLibcurl, "the proxy has a user, and may want more than Basic authentication"};
  return {TransportKind::kDirect, "it costs less, and a tunnel through the proxy is enough"};
}

std::string_view NameOf(TransportKind kind) {
  switch (kind) {
    case TransportKind::kAuto: return "auto";
    case TransportKind::kLibcurl: return "libcurl";
    case TransportKind::kDirect: return "direct";
  }
  return "";
}

std::string CurlVersion() { return curl_version_info(CURLVERSION_NOW)->version; }

}  // namespace s3
