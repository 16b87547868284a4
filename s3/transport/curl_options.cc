#include "s3/transport/curl_options.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <stdexcept>
#include <string>

#include "s3/transport/tls/authorities.h"

namespace s3 {
namespace {

// The largest number of TLS records without data (key updates, tickets) in a row. OpenSSL reads such records
// within one call. If a server sends them fast enough, that call would never return. A handshake and the
// tickets after it need about ten records.
constexpr int kMaxRecordsWithoutData = 256;

// Counts TLS records without data. OpenSSL calls this function before it processes a record or message
// (https://docs.openssl.org/3.0/man3/SSL_CTX_set_msg_callback/). After too many such records the connection
// is treated as closed by the server.
void CountRecord(int written, int, int type, const void*, std::size_t, SSL* session, void* state) {
  auto& tls = *static_cast<TlsState*>(state);
  if (tls.reads_ahead) tls.session = session;
  if (written != 0 || type != SSL3_RT_HEADER) return;
  if (++tls.records_without_data > kMaxRecordsWithoutData) SSL_set_shutdown(session, SSL_RECEIVED_SHUTDOWN);
}

CURLcode SetUpContext(CURL*, void* ssl_context, void* state) {
  auto* const context = static_cast<SSL_CTX*>(ssl_context);
  SSL_CTX_set_msg_callback(context, CountRecord);
  SSL_CTX_set_msg_callback_arg(context, state);
  const auto& tls = *static_cast<TlsState*>(state);
  if (tls.keeps_buffers) SSL_CTX_clear_mode(context, SSL_MODE_RELEASE_BUFFERS);
  if (tls.reads_ahead) SSL_CTX_set_read_ahead(context, 1);
  return CURLE_OK;
}

// The options of libcurl for one peer: the server, or an https proxy.
struct PeerOptions {
  CURLoption version, ca_file, ca_directory;
};
constexpr PeerOptions kServer{CURLOPT_SSLVERSION, CURLOPT_CAINFO, CURLOPT_CAPATH};
constexpr PeerOptions kHttpsProxy{CURLOPT_PROXY_SSLVERSION, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH};

// Searched once in a process. Empty: libcurl's choice.
const std::string& SystemAuthorities() {
  static const std::string file = [] {
    const char* built_in = curl_version_info(CURLVERSION_NOW)->cainfo;
    return FindAuthorities(built_in == nullptr ? "" : built_in, IsReadableFile);
  }();
  return file;
}

void SetAuthorities(CURL* easy, const TlsOptions& tls, const PeerOptions& peer) {
  Set(easy, peer.version, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!tls.ca_file.empty()) Set(easy, peer.ca_file, tls.ca_file.c_str());
  if (tls.ca_directory.empty()) {
    if (tls.ca_file.empty() && !SystemAuthorities().empty()) {
      Set(easy, peer.ca_file, SystemAuthorities().c_str());
    }
    return;
  }
  Set(easy, peer.ca_directory, tls.ca_directory.c_str());
  // If the job names only a directory, it replaces the system's authorities. libcurl's default is to use
  // both.
  if (tls.ca_file.empty()) Set(easy, peer.ca_file, static_cast<const char*>(nullptr));
}

void SetTls(CURL* easy, const TlsOptions& tls) {
  SetAuthorities(easy, tls, kServer);
  SetAuthorities(easy, tls, kHttpsProxy);
  if (tls.client_certificate.empty()) return;
  const auto& key = tls.client_key.empty() ? tls.client_certificate : tls.client_key;
  Set(easy, CURLOPT_SSLCERT, tls.client_certificate.c_str());
  Set(easy, CURLOPT_SSLKEY, key.c_str());
}

}  // namespace

CURLM* NewMulti() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
  CURLM* const multi = curl_multi_init();
  if (multi == nullptr) throw std::bad_alloc();
  return multi;
}

bool HoldsBytes(const TlsState& tls) { return tls.session == nullptr || SSL_has_pending(tls.session) == 1; }

void SetConnectOptions(CURL* easy, const TransportOptions& options, TlsState* tls) {
  Set(easy, CURLOPT_NOSIGNAL, 1L);  // libcurl's signals are not thread-safe; the program ignores SIGPIPE
  Set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // A host name may have many addresses. Each new connection resolves the name again and tries the addresses
  // in random order.
  Set(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  Set(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
  Set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  Set(easy, CURLOPT_SSL_CTX_FUNCTION, &SetUpContext);
  Set(easy, CURLOPT_SSL_CTX_DATA, tls);
  SetTls(easy, options.tls);
}

void SetProxy(CURL* easy, const ProxyOptions& proxy, bool tunnel) {
  Set(easy, CURLOPT_HTTPPROXYTUNNEL, tunnel ? 1L : 0L);
  Set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // If CURLOPT_PROXY is not set, libcurl reads the proxy from the environment. An empty text means no proxy.
  if (!proxy.url.empty() || !proxy.from_environment) {
    Set(easy, CURLOPT_PROXY, std::string(proxy.url.Reveal()).c_str());
  }
  if (!proxy.no_proxy.empty()) Set(easy, CURLOPT_NOPROXY, proxy.no_proxy.c_str());
}

bool MayUseProxy(const ProxyOptions& proxy) {
  if (!proxy.url.empty()) return true;
  if (!proxy.from_environment) return false;
  constexpr const char* kNames[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

// The variables are those of https://everything.curl.dev/usingcurl/proxies/env.html.
std::string ProxyUrl(const ProxyOptions& proxy, std::string_view scheme) {
  if (!proxy.url.empty() || !proxy.from_environment) return std::string(proxy.url.Reveal());
  const bool is_https = scheme == "https";
  for (const char* name : {is_https ? "https_proxy" : "http_proxy", is_https ? "HTTPS_PROXY" : "http_proxy",
                           "all_proxy", "ALL_PROXY"}) {
    if (const char* url = std::getenv(name); url != nullptr && *url != '\0') return url;
  }
  return "";
}

}  // namespace s3
