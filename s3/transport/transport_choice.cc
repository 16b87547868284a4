#include "s3/transport/transport_choice.h"

#include <curl/curl.h>

#include "s3/transport/curl_options.h"

namespace s3 {
namespace {

// CURLOPT_PREREQFUNCTION exists since libcurl 7.80, CURLOPT_PROTOCOLS_STR since 7.85.
static_assert(LIBCURL_VERSION_NUM >= 0x075500, "s3flow needs libcurl 7.85 or newer");

}  // namespace

TransportChoice ChooseTransport(const TransportOptions& options, const Endpoint& endpoint) {
  if (options.kind != TransportKind::kAuto) return {options.kind, "upload.transport says so"};
  const auto proxy = ProxyUrl(options.proxy, endpoint.scheme);
  if (proxy.empty()) return {TransportKind::kDirect, "it costs less, and no proxy is set"};
  if (endpoint.scheme == "http")
    return {TransportKind::kLibcurl, "the endpoint is http, and many proxies refuse a tunnel to it"};
  if (proxy.find('@') != std::string::npos)
    return {TransportKind::kLibcurl, "the proxy's URL has a user, and direct supports only the Basic scheme"};
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
