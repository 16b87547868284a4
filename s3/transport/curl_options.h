// What both transports tell libcurl about connections: addresses, TLS, proxies. One copy.
#pragma once

#include <curl/curl.h>

#include <new>
#include <string>
#include <string_view>

#include "s3/options.h"

namespace s3 {

// Throws when libcurl refuses the option. That is a defect or a lack of memory: a connection must not be made
// with half of its settings.
template <typename Value>
void Set(CURL* easy, CURLoption option, Value value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::bad_alloc();
}

// Returns a new multi handle; initialises libcurl before the first. Throws std::exception.
CURLM* NewMulti();

// Sets how `easy` connects: the protocol, addresses, the connect timeout and TLS. `records_without_data`
// counts the TLS records in a row that carry no data, and must outlive the connection: set it to 0 when data
// was received.
void SetConnectOptions(CURL* easy, const TransportOptions& options, int* records_without_data);

// Sets the proxy. `tunnel`: also an http endpoint is reached by CONNECT. Otherwise a proxy gets its requests.
void SetProxy(CURL* easy, const ProxyOptions& proxy, bool tunnel);

// Returns true when libcurl may connect through a proxy, perhaps with TLS to it.
bool MayUseProxy(const ProxyOptions& proxy);

// Returns the URL of the proxy for endpoints with `scheme`; empty without one. Ignores no_proxy. Secret: it
// may contain a password.
std::string ProxyUrl(const ProxyOptions& proxy, std::string_view scheme);

}  // namespace s3
