#include "s3/transport/connection.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>

#include "s3/base/unique_fd.h"

namespace s3 {
namespace {

using Moved = Connection::Moved;

// An option that libcurl refuses here is a defect or a lack of memory, never a condition to go on
// with: a connection must not be made with half of its settings.
template <typename Value>
void Set(CURL* easy, CURLoption option, Value value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::bad_alloc();
}

// What OpenSSL says when what is there speaks no TLS, or no version that both take, or takes no such client.
bool SpeaksOtherwise(CURLcode code, std::string_view detail) {
  constexpr std::string_view kPhrases[] = {"wrong version number",
                                           "packet length too long",
                                           "unknown protocol",
                                           "unsupported protocol",
                                           "alert protocol version",
                                           "alert handshake failure",
                                           "alert bad certificate",
                                           "http request",
                                           "alert unknown ca",
                                           "alert certificate required",
                                           "alert unsupported certificate"};
  const bool may_say_so =
      code == CURLE_SSL_CONNECT_ERROR || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR;
  return may_say_so && std::ranges::any_of(kPhrases, [&](std::string_view phrase) {
           return detail.find(phrase) != std::string_view::npos;
         });
}

ErrorKind KindOf(CURLcode code) {
  switch (code) {
    case CURLE_FAILED_INIT:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_BAD_FUNCTION_ARGUMENT: return ErrorKind::kPermanent;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS: return ErrorKind::kUntrusted;
    default: return ErrorKind::kTransient;
  }
}

std::string ErrnoText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

// A server may send TLS messages that bring no data (key updates, tickets) faster than OpenSSL reads them,
// within one call that then would not return. A handshake and the tickets after it have some ten.
constexpr int kMaxRecordsWithoutData = 256;

// Called by OpenSSL before it takes a record or message in
// (https://docs.openssl.org/3.0/man3/SSL_CTX_set_msg_callback/). With too many the server is taken to have
// ended.
void CountRecord(int written, int, int type, const void*, std::size_t, SSL* tls, void* records) {
  if (written != 0 || type != SSL3_RT_HEADER) return;
  if (++*static_cast<int*>(records) > kMaxRecordsWithoutData) SSL_set_shutdown(tls, SSL_RECEIVED_SHUTDOWN);
}

CURLcode CountRecords(CURL*, void* context, void* records) {
  SSL_CTX_set_msg_callback(static_cast<SSL_CTX*>(context), CountRecord);
  SSL_CTX_set_msg_callback_arg(static_cast<SSL_CTX*>(context), records);
  return CURLE_OK;
}

// Whether libcurl may connect through a proxy, to which it may speak TLS.
bool MayUseProxy(const ProxyOptions& proxy) {
  if (!proxy.url.empty()) return true;
  if (!proxy.from_environment) return false;
  constexpr const char* kNames[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

}  // namespace

Connection::Connection(const TransportOptions& options, const Endpoint& endpoint)
    : route(endpoint.Url()),
      error_text_(std::make_unique<char[]>(CURL_ERROR_SIZE)),
      share_(nullptr, curl_share_cleanup),
      easy_(curl_easy_init(), curl_easy_cleanup),
      is_bare_(endpoint.scheme == "http" && !MayUseProxy(options.proxy)),
      connect_timeout_(options.connect_timeout) {
  CURL* const curl = easy();
  if (curl == nullptr) throw std::bad_alloc();
  if (!is_bare_) {
    share_.reset(curl_share_init());
    if (!share_ || curl_share_setopt(share_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK)
      throw std::bad_alloc();
    Set(curl, CURLOPT_SHARE, share_.get());
  }
  Set(curl, CURLOPT_PRIVATE, this);
  Set(curl, CURLOPT_ERRORBUFFER, error_text_.get());
  Set(curl, CURLOPT_NOSIGNAL, 1L);  // signals and threads do not mix; the program ignores SIGPIPE
  Set(curl, CURLOPT_CONNECT_ONLY, 1L);
  Set(curl, CURLOPT_OPENSOCKETFUNCTION, &Connection::OnOpen);
  Set(curl, CURLOPT_OPENSOCKETDATA, this);
  Set(curl, CURLOPT_CLOSESOCKETFUNCTION, &Connection::OnClose);
  Set(curl, CURLOPT_CLOSESOCKETDATA, this);
  Set(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(curl, CURLOPT_URL, route.c_str());
  // A name may stand for many servers: each new connection asks anew, and takes one of them at random.
  Set(curl, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  Set(curl, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
  Set(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  Set(curl, CURLOPT_XFERINFOFUNCTION, &Connection::OnProgress);
  Set(curl, CURLOPT_XFERINFODATA, this);
  Set(curl, CURLOPT_NOPROGRESS, 0L);
  Set(curl, CURLOPT_BUFFERSIZE, 1L << 10);  // only a proxy's answer goes through it
  SetTls(options.tls);
  SetProxy(options.proxy);
}

Connection::~Connection() {
  easy_.reset();
  if (is_bare_ && socket_ >= 0) close(socket_);
}

void Connection::DropEasy() {
  easy_.reset();
  error_text_.reset();
}

// libcurl does not tell why it got no socket.
curl_socket_t Connection::OnOpen(void* self, curlsocktype, curl_sockaddr* address) {
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  static_cast<Connection*>(self)->open_errno_ = fd < 0 ? errno : 0;
  return fd;
}

// Name resolution and libcurl's reading of certificates need descriptors, too, and hide the reason: whether
// there are any left tells.
bool Connection::LacksDescriptor() const {
  if (open_errno_ == EMFILE || open_errno_ == ENFILE) return true;
  const UniqueFd one_more(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return one_more.get() < 0 && (errno == EMFILE || errno == ENFILE);
}

int Connection::OnClose(void* self, curl_socket_t socket) {
  const auto& connection = *static_cast<Connection*>(self);
  return connection.is_bare_ && socket == connection.socket_ ? 0 : close(socket);
}

// libcurl 7.88 reads a proxy's refusal to its end as long as there is something to be read, whatever the
// time.
int Connection::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& connection = *static_cast<Connection*>(self);
  return Clock::now() - connection.made_at_ > connection.connect_timeout_ ? 1 : 0;
}

void Connection::SetTls(const TlsOptions& tls) {
  Set(easy(), CURLOPT_SSL_CTX_FUNCTION, &CountRecords);
  Set(easy(), CURLOPT_SSL_CTX_DATA, &records_without_data_);
  Set(easy(), CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!tls.ca_file.empty()) Set(easy(), CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.ca_directory.empty()) {
    Set(easy(), CURLOPT_CAPATH, tls.ca_directory.c_str());
    // A directory alone is instead of the system's authorities, not beside them.
    if (tls.ca_file.empty()) Set(easy(), CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  }
  if (tls.client_certificate.empty()) return;
  const auto& key = tls.client_key.empty() ? tls.client_certificate : tls.client_key;
  Set(easy(), CURLOPT_SSLCERT, tls.client_certificate.c_str());
  Set(easy(), CURLOPT_SSLKEY, key.c_str());
}

void Connection::SetProxy(const ProxyOptions& proxy) {
  // Always a tunnel: what comes out of it is a connection like any other.
  Set(easy(), CURLOPT_HTTPPROXYTUNNEL, 1L);
  Set(easy(), CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // libcurl reads the environment unless there is a text, be it an empty one.
  if (!proxy.url.empty() || !proxy.from_environment) {
    Set(easy(), CURLOPT_PROXY, std::string(proxy.url.Reveal()).c_str());
  }
  if (!proxy.no_proxy.empty()) Set(easy(), CURLOPT_NOPROXY, proxy.no_proxy.c_str());
}

bool Connection::TakeSocket() {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy(), CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK) return false;
  socket_ = socket;
  return socket != CURL_SOCKET_BAD;
}

Error Connection::ConnectError(CURLcode code) const {
  long os_error = 0;
  curl_easy_getinfo(easy(), CURLINFO_OS_ERRNO, &os_error);
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return {.kind = KindOf(code),
            .message = fmt::format("not connected within {} ms", connect_timeout_.count())};
  }
  std::string detail = error_text_[0] != '\0' ? error_text_.get() : curl_easy_strerror(code);
  if (os_error != 0) detail += fmt::format(" ({})", ErrnoText(static_cast<int>(os_error)));
  long proxy_says = 0;
  curl_easy_getinfo(easy(), CURLINFO_HTTP_CONNECTCODE, &proxy_says);
  const bool shut_out = proxy_says >= 400 && proxy_says < 500 && proxy_says != 408 && proxy_says != 429;
  const bool wrong = SpeaksOtherwise(code, detail) || shut_out;
  if (proxy_says >= 300) detail += fmt::format(" (the proxy answered HTTP {} to CONNECT)", proxy_says);
  return {.kind = wrong ? ErrorKind::kWrongEndpoint : KindOf(code),
          .message = WithoutUser(detail)};  // libcurl quotes a proxy's whole URL
}

// libcurl's own functions to send and receive look the connection up in a list of all, and send one piece at
// a time: without TLS the socket is all that they stand for.
Moved Connection::Send(std::span<const iovec> pieces, std::span<char> scratch) {
  if (!is_bare_) return SendByCurl(pieces, scratch);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  ssize_t sent;
  do sent = sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    errno_ = errno;
    return {errno == EAGAIN ? Moved::State::kBlocked : Moved::State::kFailed};
  }
  std::size_t whole = 0;
  for (const auto& piece : pieces) whole += piece.iov_len;
  const auto bytes = static_cast<std::size_t>(sent);
  return {Moved::State::kBytes, bytes, bytes == whole};
}

// One call carries the headers and a small body. What was begun and blocked must come again from the same
// address.
Moved Connection::SendByCurl(std::span<const iovec> pieces, std::span<char> scratch) {
  const void* data = pieces[0].iov_base;
  std::size_t size = std::min<std::size_t>(pieces[0].iov_len, kScratchBytes);
  if (size < kScratchBytes) {
    size = 0;
    for (const auto& piece : pieces) {
      const auto copied = std::min(piece.iov_len, kScratchBytes - size);
      // A file's bytes are in it already.
      std::memmove(scratch.data() + size, piece.iov_base, copied);
      size += copied;
    }
    data = scratch.data();
  }
  std::size_t sent = 0;
  code_ = curl_easy_send(easy(), data, size, &sent);
  if (code_ == CURLE_AGAIN) return {Moved::State::kBlocked};
  if (code_ != CURLE_OK) return {Moved::State::kFailed};
  return {Moved::State::kBytes, sent, true};
}

// sendfile(2): what was passed on are the pages themselves, so a change of the file can still change what is
// sent; whoever sends a file looks after the answer whether it is the one that was digested.
// Its error may be the socket's or the file's, and many file systems, kernels and seccomp filters refuse it,
// each with an error of its own. So whatever is not clearly the connection's end is copied: then the read, or
// the send, says what is wrong.
Moved Connection::SendFile(const FileRange& file, std::span<char> scratch) {
  if (!is_bare_) return CopyFile(file, scratch);
  auto offset = static_cast<off_t>(file.offset);
  ssize_t sent;
  do sent = sendfile(socket_, file.fd, &offset, file.bytes);
  while (sent < 0 && errno == EINTR);
  if (sent > 0) return {Moved::State::kBytes, static_cast<std::size_t>(sent), true};
  errno_ = sent < 0 ? errno : 0;
  switch (errno_) {
    case EAGAIN: return {Moved::State::kBlocked};
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN: return {Moved::State::kFailed};
    default: return CopyFile(file, scratch);
  }
}

Moved Connection::CopyFile(const FileRange& file, std::span<char> scratch) {
  const auto size = std::min<std::uint64_t>(scratch.size(), file.bytes);
  ssize_t got;
  do got = pread(file.fd, scratch.data(), size, static_cast<off_t>(file.offset));
  while (got < 0 && errno == EINTR);
  errno_ = got < 0 ? errno : 0;
  if (got <= 0) return {Moved::State::kUnread};
  const iovec piece{scratch.data(), static_cast<std::size_t>(got)};
  return Send({&piece, 1}, scratch);
}

Error Connection::FileError(const FileRange& file) const {
  const auto kind = errno_ == ESTALE ? ErrorKind::kChanged : ErrorKind::kLocal;  // gone from its server
  if (errno_ != 0) return {.kind = kind, .message = ErrnoText(errno_), .system_error = errno_};
  return {.kind = ErrorKind::kChanged,
          .message = fmt::format("changed while it was sent: it ends at byte {}", file.offset)};
}

Moved Connection::Receive(std::span<char> room) {
  if (!is_bare_) {
    std::size_t received = 0;
    code_ = curl_easy_recv(easy(), room.data(), room.size(), &received);
    if (code_ == CURLE_AGAIN) return {Moved::State::kBlocked};
    if (code_ != CURLE_OK) return {Moved::State::kFailed};
    if (received == 0) return {Moved::State::kEnded};
    records_without_data_ = 0;
    return {Moved::State::kBytes, received, true};
  }
  ssize_t received;
  do received = recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
  while (received < 0 && errno == EINTR);
  if (received < 0) {
    errno_ = errno;
    return {errno == EAGAIN ? Moved::State::kBlocked : Moved::State::kFailed};
  }
  if (received == 0) return {Moved::State::kEnded};
  const auto bytes = static_cast<std::size_t>(received);
  return {Moved::State::kBytes, bytes, bytes == room.size()};
}

// A bare socket is asked by one system call. Behind TLS, bytes may wait in libcurl's and OpenSSL's buffers,
// too, and those in the socket may be TLS's own messages: only a receive that finds nothing tells.
bool Connection::IsQuiet() {
  char byte;
  if (!is_bare_) return Receive({&byte, 1}).state == Moved::State::kBlocked;
  ssize_t received;
  do received = recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  while (received < 0 && errno == EINTR);
  return received < 0 && errno == EAGAIN;
}

// Every segment acknowledges what its sender has received: with a response that was made for the whole
// request comes the acknowledgement of all of it (tcp(7), SIOCOUTQ).
bool Connection::HasUnacknowledged() const {
  int bytes = 0;
  return ioctl(socket_, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

ErrorKind Connection::ProblemKind() const {
  const bool refused = !is_bare_ && SpeaksOtherwise(code_, error_text_.get());
  return refused ? ErrorKind::kWrongEndpoint : ErrorKind::kTransient;
}

std::string Connection::Problem() const {
  if (is_bare_) return ErrnoText(errno_);
  return error_text_[0] != '\0' ? error_text_.get() : curl_easy_strerror(code_);
}

}  // namespace s3
