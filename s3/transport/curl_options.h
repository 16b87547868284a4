// Sets the libcurl options for connections that both transports need: addresses, TLS, proxies.
#pragma once

#include <curl/curl.h>

#include <new>
#include <string>
#include <string_view>

#include "s3/options.h"

struct ssl_st;  // OpenSSL's SSL

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
  // If true, OpenSSL receives as many bytes as it has room for, so that one system call gets a whole record.
  // Otherwise it takes two: one for the record's header, one for the rest. Bytes behind the record then wait
  // in OpenSSL, where epoll does not see them: see HoldsBytes(). Set it before the handshake. Only for
  // connections without a proxy, because an https proxy has a session of its own.
  bool reads_ahead = false;
  // TLS records in a row that carry no data. The owner sets it to 0 each time that it has received data.
  int records_without_data = 0;
  // If true, OpenSSL keeps its 34 KB of buffers while the connection lives. Otherwise it allocates and frees
  // them for each record, as libcurl asks. Set it before the handshake.
  bool keeps_buffers = false;
  // The session with the server. Null before its first record, and always if !reads_ahead. Not owned: it
  // lives as long as libcurl's connection.
  ssl_st* session = nullptr;
};

// Returns true if OpenSSL may hold bytes that it has received, but not yet given to the owner. False only if
// it surely holds none.
bool HoldsBytes(const TlsState& tls);

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
