#include "s3/transport/curl/curl_connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <string_view>
#include <utility>

#include "s3/transport/curl/curl_pool.h"
#include "s3/transport/curl_error.h"

namespace s3 {
namespace {

// Returns true when a TLS alert waits in the socket: type 21, version 3.x (RFC 8446, section 5.1). Call it
// before libcurl reads the bytes, because libcurl does not show bytes that it refuses.
bool HasTlsAlert(int socket) {
  char begin[2];
  return recv(socket, begin, sizeof begin, MSG_PEEK | MSG_DONTWAIT) == 2 && begin[0] == 21 && begin[1] == 3;
}

}  // namespace

CurlConnection::CurlConnection(const TransportOptions& options, const Endpoint& endpoint,
                               unsigned long auth_schemes, CurlPool* pool)
    : origin(endpoint.Url()),
      proxy_auth(auth_schemes),
      pool_(pool),
      error_text_(std::make_unique<char[]>(CURL_ERROR_SIZE)),
      share_(curl_share_init(), curl_share_cleanup),
      easy_(curl_easy_init(), curl_easy_cleanup),
      connect_timeout_(options.connect_timeout),
      is_plain_tcp_(endpoint.scheme == "http" && !MayUseProxy(options.proxy)) {
  CURL* const curl = easy();
  if (curl == nullptr || !share_ ||
      curl_share_setopt(share_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK)
    throw std::bad_alloc();
  Set(curl, CURLOPT_SHARE, share_.get());
  Set(curl, CURLOPT_PRIVATE, this);
  Set(curl, CURLOPT_ERRORBUFFER, error_text_.get());
  Set(curl, CURLOPT_OPENSOCKETFUNCTION, &CurlConnection::OnOpen);
  Set(curl, CURLOPT_OPENSOCKETDATA, this);
  Set(curl, CURLOPT_CLOSESOCKETFUNCTION, &CurlConnection::OnClose);
  Set(curl, CURLOPT_CLOSESOCKETDATA, this);
  Set(curl, CURLOPT_PREREQFUNCTION, &CurlConnection::OnRequest);
  Set(curl, CURLOPT_PREREQDATA, this);
  // Responses to uploads are small, and each request in flight has a buffer.
  Set(curl, CURLOPT_BUFFERSIZE, 4096L);
  // The request is signed as it is: libcurl must not change its path.
  Set(curl, CURLOPT_PATH_AS_IS, 1L);
  Set(curl, CURLOPT_EXPECT_100_TIMEOUT_MS,
      static_cast<long>(std::chrono::milliseconds(ExchangeBase::kContinueTimeout).count()));
  Set(curl, CURLOPT_MAXAGE_CONN, static_cast<long>(CurlPool::kIdleTimeout.count()));
  SetConnectOptions(curl, options, &tls_);
  if (MayUseProxy(options.proxy)) {
    SetProxy(curl, options.proxy, false);
    Set(curl, CURLOPT_PROXYAUTH, static_cast<long>(proxy_auth));
    Set(curl, CURLOPT_HEADEROPT,
        static_cast<long>(CURLHEADER_SEPARATE));  // CONNECT gets none of our headers
    Set(curl, CURLOPT_XFERINFOFUNCTION, &CurlConnection::OnProgress);
    Set(curl, CURLOPT_XFERINFODATA, this);
    Set(curl, CURLOPT_NOPROGRESS, 0L);
    has_tls_in_tls_ = endpoint.scheme == "https" &&
                      strncasecmp(ProxyUrl(options.proxy, endpoint.scheme).c_str(), "https://", 8) == 0;
  } else {
    SetProxy(curl, options.proxy, false);
  }
}

CurlConnection::~CurlConnection() {
  easy_.reset();
  share_.reset();
}

void CurlConnection::SetUp(Transfer* next, bool expect_continue) {
  transfer = next;
  next->connection = this;
  is_connected = true;  // until CurlPool::Start, which counts it as connecting
  was_quiet_ = true;
  met_tls_ = false;
  is_new_ = false;  // until libcurl opens a socket
  open_errno_ = reads_ = 0;
  error_text_[0] = '\0';
  began_ = Clock::now();
  next->SetUp(easy(), expect_continue);
  Set(easy(), CURLOPT_FRESH_CONNECT, next->needs_fresh_connection() ? 1L : 0L);
}

// On plain TCP, the bytes are always a part of the response. With TLS or a proxy they may be other messages.
void CurlConnection::NoteReadable() {
  ++reads_;
  if (!is_plain_tcp_ || !is_connected) return;
  transfer->NoteReadable(Clock::now());
  if (is_new_ && reads_ == 1) met_tls_ = HasTlsAlert(sockets_.back());
}

// Keeps the errno of socket(2), which libcurl does not report.
curl_socket_t CurlConnection::OnOpen(void* self, curlsocktype, curl_sockaddr* address) {
  auto& connection = *static_cast<CurlConnection*>(self);
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  connection.open_errno_ = fd < 0 ? errno : 0;
  // If the transfer had a connection before, libcurl makes a new one to resend the request.
  if (std::exchange(connection.is_connected, false)) {
    connection.pool_->Connecting();
    connection.began_ = Clock::now();
  }
  if (fd < 0) return fd;
  connection.sockets_.push_back(fd);
  connection.is_new_ = true;
  connection.last_request_id.clear();
  connection.has_distinct_ids = false;
  connection.pool_->Opened(fd, &connection);
  return fd;
}

int CurlConnection::OnClose(void* self, curl_socket_t socket) {
  auto& connection = *static_cast<CurlConnection*>(self);
  std::erase(connection.sockets_, socket);
  connection.pool_->Closed(socket);
  return close(socket);
}

// libcurl calls this function when the transfer has a connection (new or reused), right before it sends the
// request, and again before each resend. If there are bytes to receive at this time, they belong to no
// request.
int CurlConnection::OnRequest(void* self, char*, char*, int, int) {
  auto& connection = *static_cast<CurlConnection*>(self);
  connection.tls_.records_without_data = 0;
  if (!std::exchange(connection.is_connected, true)) connection.pool_->Connected();
  connection.was_quiet_ = connection.IsQuiet();
  if (!connection.was_quiet_) return CURL_PREREQFUNC_ABORT;
  connection.transfer->BeginAttempt(connection.sockets_.back());
  return CURL_PREREQFUNC_OK;
}

// Enforces connect_timeout. CURLOPT_CONNECTTIMEOUT_MS alone is not enough: after that time, libcurl 7.88
// still reads a proxy's refusal as long as bytes arrive.
int CurlConnection::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& connection = *static_cast<CurlConnection*>(self);
  return !connection.is_connected && Clock::now() - connection.began_ > connection.connect_timeout_ ? 1 : 0;
}

bool CurlConnection::IsQuiet() const {
  if (sockets_.empty()) return false;
  char byte;
  ssize_t received;
  do received = recv(sockets_.back(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  while (received < 0 && errno == EINTR);
  if (received == 0 || (received < 0 && errno != EAGAIN)) return false;
  curl_tlssessioninfo* session = nullptr;
  const bool is_tls = curl_easy_getinfo(easy(), CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK &&
                      session != nullptr && session->internals != nullptr;
  if (!is_tls) return received < 0;
  auto* const tls = static_cast<SSL*>(session->internals);
  if (SSL_has_pending(tls) != 0) return false;
  if (received < 0) return true;
  // The bytes belong to the TLS connection to the proxy. On a new connection they are taken for tickets,
  // because otherwise every attempt would fail in the same way.
  return has_tls_in_tls_ ? is_new_ : IsTlsQuiet(tls);
}

// Bytes in the socket may be messages of TLS itself: a server sends tickets after the handshake. So OpenSSL
// must read the bytes. It gets a BIO on the socket for that, because libcurl's BIO works only within
// libcurl's calls.
bool CurlConnection::IsTlsQuiet(ssl_st* tls) const {
  BIO* const bio = BIO_new_socket(sockets_.back(), BIO_NOCLOSE);
  if (bio == nullptr) return false;
  BIO* const own_read = SSL_get_rbio(tls);
  BIO* const own_write = SSL_get_wbio(tls);
  BIO_up_ref(own_read);
  BIO_up_ref(own_write);
  BIO_up_ref(bio);
  SSL_set0_rbio(tls, bio);
  SSL_set0_wbio(tls, bio);
  char byte;
  const int got = SSL_peek(tls, &byte, 1);
  const bool is_quiet = got <= 0 && SSL_get_error(tls, got) == SSL_ERROR_WANT_READ;
  SSL_set0_rbio(tls, own_read);
  SSL_set0_wbio(tls, own_write);
  ERR_clear_error();
  return is_quiet;
}

bool CurlConnection::LacksDescriptor() const { return s3::LacksDescriptor(open_errno_); }

int CurlConnection::tunnel_status() const {
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_HTTP_CONNECTCODE, &status);
  return static_cast<int>(status);
}

Error CurlConnection::ConnectFailure(CURLcode code) const {
  return ConnectError(easy(), code, error_text_.get(), connect_timeout_);
}

Error CurlConnection::Loss(CURLcode code) const {
  if (met_tls_) return {.kind = ErrorKind::kWrongEndpoint, .message = std::string(ExchangeBase::kSpeaksTls)};
  const auto problem = CurlProblem(code, error_text_.get());
  const bool is_wrong = IsProtocolMismatch(code, problem);
  const auto kind = is_wrong ? ErrorKind::kWrongEndpoint : ErrorKind::kTransient;
  switch (code) {
    case CURLE_GOT_NOTHING:
      return {.kind = kind, .message = "the server closed the connection without a response"};
    case CURLE_PARTIAL_FILE:
      return {.kind = kind, .message = "the server closed the connection in the middle of the response"};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return {.kind = kind, .message = "not an HTTP response: " + problem};
    case CURLE_SEND_ERROR: return {.kind = kind, .message = "sending: " + problem};
    case CURLE_RECV_ERROR: return {.kind = kind, .message = "receiving: " + problem};
    default: return {.kind = kind, .message = problem};
  }
}

}  // namespace s3
