// Sets the libcurl options for connections that both transports need: addresses, TLS, proxies.
#pragma once

#include <curl/curl.h>

#include <new>
#include <string>
#include <string_view>

#include "s3/options.h"

namespace s3 {

// Sets one option. If libcurl refuses it, throws std::bad_alloc, because a connection must not be made with
// only some of its options. The cause is a lack of memory or a defect of s3flow.
template <typename Value>
void Set(CURL* easy, CURLoption option, Value value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::bad_alloc();
}

// Returns a new multi handle; initialises libcurl before the first. Throws std::exception.
CURLM* NewMulti();

// The TLS state of a connection. OpenSSL's callbacks and the owner of the connection use it.
struct TlsState {
  // TLS records in a row that carry no data. The owner sets it to 0 each time that it has received data.
  int records_without_data = 0;
  // If true, OpenSSL keeps its 34 KB of buffers while the connection lives. Otherwise it allocates and frees
  // them for each record, as libcurl asks. Set it before the handshake.
  bool keeps_buffers = false;
};

// Sets how `easy` connects: the protocol, addresses, the connect timeout and TLS. `tls` must outlive the
// connection.
void SetConnectOptions(CURL* easy, const TransportOptions& options, TlsState* tls);

// Sets the proxy. `tunnel` concerns http endpoints behind an HTTP proxy: if true, libcurl makes a tunnel
// (CONNECT) to them, as it always does to https endpoints. If false, the proxy forwards each request.
void SetProxy(CURL* easy, const ProxyOptions& proxy, bool tunnel);

// Returns true when the options or the environment name a proxy, for any kind of endpoint. Ignores no_proxy,
// so libcurl may still connect without the proxy.
bool MayUseProxy(const ProxyOptions& proxy);

// Returns the URL of the proxy for endpoints with `scheme`; empty without one. Ignores no_proxy. Secret: it
// may contain a password.
std::string ProxyUrl(const ProxyOptions& proxy, std::string_view scheme);

}  // namespace s3
