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

using IoResult = Connection::IoResult;

// Throws when libcurl refuses the option, because of a defect or a lack of memory: a connection must not be
// made with half of its settings.
template <typename Value>
void Set(CURL* easy, CURLoption option, Value value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::bad_alloc();
}

// Returns true when OpenSSL's message says that the server does not use TLS, supports no TLS version that
// s3flow supports, or refuses the client certificate.
bool IsProtocolMismatch(CURLcode code, std::string_view detail) {
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
  const bool is_tls_error =
      code == CURLE_SSL_CONNECT_ERROR || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR;
  return is_tls_error && std::ranges::any_of(kPhrases, [&](std::string_view phrase) {
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

// The largest number of TLS records without data (key updates, tickets) in a row. OpenSSL reads such records
// within one call. If a server sends them fast enough, that call would never return. A handshake and the
// tickets after it need about ten records.
constexpr int kMaxRecordsWithoutData = 256;

// Counts TLS records without data. OpenSSL calls this function before it processes a record or message
// (https://docs.openssl.org/3.0/man3/SSL_CTX_set_msg_callback/). After too many such records the connection
// is treated as closed by the server.
void CountRecord(int written, int, int type, const void*, std::size_t, SSL* tls, void* records) {
  if (written != 0 || type != SSL3_RT_HEADER) return;
  if (++*static_cast<int*>(records) > kMaxRecordsWithoutData) SSL_set_shutdown(tls, SSL_RECEIVED_SHUTDOWN);
}

CURLcode CountRecords(CURL*, void* context, void* records) {
  SSL_CTX_set_msg_callback(static_cast<SSL_CTX*>(context), CountRecord);
  SSL_CTX_set_msg_callback_arg(static_cast<SSL_CTX*>(context), records);
  return CURLE_OK;
}

// Returns true when libcurl may connect through a proxy, with or without TLS to the proxy.
bool MayUseProxy(const ProxyOptions& proxy) {
  if (!proxy.url.empty()) return true;
  if (!proxy.from_environment) return false;
  constexpr const char* kNames[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

}  // namespace

Connection::Connection(const TransportOptions& options, const Endpoint& endpoint)
    : origin(endpoint.Url()),
      error_text_(std::make_unique<char[]>(CURL_ERROR_SIZE)),
      share_(nullptr, curl_share_cleanup),
      easy_(curl_easy_init(), curl_easy_cleanup),
      is_plain_tcp_(endpoint.scheme == "http" && !MayUseProxy(options.proxy)),
      connect_timeout_(options.connect_timeout) {
  CURL* const curl = easy();
  if (curl == nullptr) throw std::bad_alloc();
  if (!is_plain_tcp_) {
    share_.reset(curl_share_init());
    if (!share_ || curl_share_setopt(share_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK)
      throw std::bad_alloc();
    Set(curl, CURLOPT_SHARE, share_.get());
  }
  Set(curl, CURLOPT_PRIVATE, this);
  Set(curl, CURLOPT_ERRORBUFFER, error_text_.get());
  Set(curl, CURLOPT_NOSIGNAL, 1L);  // libcurl's signals are not thread-safe; the program ignores SIGPIPE
  Set(curl, CURLOPT_CONNECT_ONLY, 1L);
  Set(curl, CURLOPT_OPENSOCKETFUNCTION, &Connection::OnOpen);
  Set(curl, CURLOPT_OPENSOCKETDATA, this);
  Set(curl, CURLOPT_CLOSESOCKETFUNCTION, &Connection::OnClose);
  Set(curl, CURLOPT_CLOSESOCKETDATA, this);
  Set(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(curl, CURLOPT_URL, origin.c_str());
  // A host name may have many addresses. Each new connection resolves the name again and tries the addresses
  // in random order.
  Set(curl, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  Set(curl, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
  Set(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  Set(curl, CURLOPT_XFERINFOFUNCTION, &Connection::OnProgress);
  Set(curl, CURLOPT_XFERINFODATA, this);
  Set(curl, CURLOPT_NOPROGRESS, 0L);
  Set(curl, CURLOPT_BUFFERSIZE, 1L << 10);  // libcurl uses this buffer only for a proxy's response
  SetTls(options.tls);
  SetProxy(options.proxy);
}

Connection::~Connection() {
  easy_.reset();
  if (is_plain_tcp_ && socket_ >= 0) close(socket_);
}

void Connection::DropEasy() {
  easy_.reset();
  error_text_.reset();
}

// Keeps the errno of socket(2), which libcurl does not report.
curl_socket_t Connection::OnOpen(void* self, curlsocktype, curl_sockaddr* address) {
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  static_cast<Connection*>(self)->open_errno_ = fd < 0 ? errno : 0;
  return fd;
}

// Name resolution and reading certificates need file descriptors, too, and libcurl does not report why they
// failed. So this function tries to create a descriptor.
bool Connection::LacksDescriptor() const {
  if (open_errno_ == EMFILE || open_errno_ == ENFILE) return true;
  const UniqueFd trial(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return trial.get() < 0 && (errno == EMFILE || errno == ENFILE);
}

int Connection::OnClose(void* self, curl_socket_t socket) {
  const auto& connection = *static_cast<Connection*>(self);
  return connection.is_plain_tcp_ && socket == connection.socket_ ? 0 : close(socket);
}

// Enforces connect_timeout. libcurl 7.88 itself continues to read a proxy's refusal after
// CURLOPT_CONNECTTIMEOUT_MS while bytes arrive.
int Connection::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& connection = *static_cast<Connection*>(self);
  return Clock::now() - connection.created_at_ > connection.connect_timeout_ ? 1 : 0;
}

void Connection::SetTls(const TlsOptions& tls) {
  Set(easy(), CURLOPT_SSL_CTX_FUNCTION, &CountRecords);
  Set(easy(), CURLOPT_SSL_CTX_DATA, &records_without_data_);
  Set(easy(), CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!tls.ca_file.empty()) Set(easy(), CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.ca_directory.empty()) {
    Set(easy(), CURLOPT_CAPATH, tls.ca_directory.c_str());
    // If the job names only a directory, it replaces the system's authorities. libcurl's default is to use
    // both.
    if (tls.ca_file.empty()) Set(easy(), CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  }
  if (tls.client_certificate.empty()) return;
  const auto& key = tls.client_key.empty() ? tls.client_certificate : tls.client_key;
  Set(easy(), CURLOPT_SSLCERT, tls.client_certificate.c_str());
  Set(easy(), CURLOPT_SSLKEY, key.c_str());
}

void Connection::SetProxy(const ProxyOptions& proxy) {
  // A CONNECT tunnel also for http://, so that a connection through the proxy is used like any other.
  Set(easy(), CURLOPT_HTTPPROXYTUNNEL, 1L);
  Set(easy(), CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // If CURLOPT_PROXY is not set, libcurl reads the proxy from the environment. An empty text means no proxy.
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
            .message = fmt::format("not connected within connect_timeout ({} ms)", connect_timeout_.count())};
  }
  std::string detail = error_text_[0] != '\0' ? error_text_.get() : curl_easy_strerror(code);
  if (os_error != 0) detail += fmt::format(" ({})", ErrnoText(static_cast<int>(os_error)));
  long proxy_status = 0;
  curl_easy_getinfo(easy(), CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  const bool is_client_error = proxy_status >= 400 && proxy_status < 500;
  const bool proxy_refuses = is_client_error && proxy_status != 408 && proxy_status != 429;
  const bool is_wrong = IsProtocolMismatch(code, detail) || proxy_refuses;
  if (KindOf(code) == ErrorKind::kUntrusted) {
    detail +=
        ": check the host name, and set destination.ca_file to the file of the CA that signed the "
        "server's certificate";
  }
  if (proxy_status >= 300) detail += fmt::format(" (the proxy answered HTTP {} to CONNECT)", proxy_status);
  return {.kind = is_wrong ? ErrorKind::kWrongEndpoint : KindOf(code),
          .message = WithoutUser(detail)};  // libcurl quotes a proxy's whole URL
}

// Without TLS this function uses the socket directly, because libcurl's send searches its list of connections
// and accepts only one piece in a call.
IoResult Connection::Send(std::span<const iovec> pieces, std::span<char> scratch) {
  if (!is_plain_tcp_) return SendByCurl(pieces, scratch);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  ssize_t sent;
  do sent = sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    errno_ = errno;
    return {errno == EAGAIN ? IoResult::State::kBlocked : IoResult::State::kFailed};
  }
  std::size_t offered = 0;
  for (const auto& piece : pieces) offered += piece.iov_len;
  const auto bytes = static_cast<std::size_t>(sent);
  return {IoResult::State::kBytes, bytes, bytes == offered};
}

// Gathers head and body in `scratch`, so that one call sends both. After kBlocked the next call must offer
// the same bytes at the same address.
IoResult Connection::SendByCurl(std::span<const iovec> pieces, std::span<char> scratch) {
  const void* data = pieces[0].iov_base;
  std::size_t size = std::min<std::size_t>(pieces[0].iov_len, kScratchBytes);
  if (size < kScratchBytes) {
    size = 0;
    for (const auto& piece : pieces) {
      const auto copied = std::min(piece.iov_len, kScratchBytes - size);
      // memmove, because the bytes of a file already lie in `scratch`: source and target may be the same.
      std::memmove(scratch.data() + size, piece.iov_base, copied);
      size += copied;
    }
    data = scratch.data();
  }
  std::size_t sent = 0;
  code_ = curl_easy_send(easy(), data, size, &sent);
  if (code_ == CURLE_AGAIN) return {IoResult::State::kBlocked};
  if (code_ != CURLE_OK) return {IoResult::State::kFailed};
  return {IoResult::State::kBytes, sent, true};
}

// sendfile(2) gives the pages of the file to the network, so a change of the file can still change the bytes
// that are sent. So the caller must check after the response that the file has not changed since it was
// hashed. An error of sendfile may concern the socket or the file, and file systems, kernels and seccomp
// filters refuse sendfile with different errors. An error that clearly says that the connection has ended is
// reported. After any other error the bytes are copied instead, so that the read or the send reports the true
// error.
IoResult Connection::SendFile(const FileRange& file, std::span<char> scratch) {
  if (!is_plain_tcp_) return CopyFile(file, scratch);
  auto offset = static_cast<off_t>(file.offset);
  ssize_t sent;
  do sent = sendfile(socket_, file.fd, &offset, file.bytes);
  while (sent < 0 && errno == EINTR);
  if (sent > 0) return {IoResult::State::kBytes, static_cast<std::size_t>(sent), true};
  errno_ = sent < 0 ? errno : 0;
  switch (errno_) {
    case EAGAIN: return {IoResult::State::kBlocked};
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN: return {IoResult::State::kFailed};
    default: return CopyFile(file, scratch);
  }
}

IoResult Connection::CopyFile(const FileRange& file, std::span<char> scratch) {
  const auto size = std::min<std::uint64_t>(scratch.size(), file.bytes);
  ssize_t got;
  do got = pread(file.fd, scratch.data(), size, static_cast<off_t>(file.offset));
  while (got < 0 && errno == EINTR);
  errno_ = got < 0 ? errno : 0;
  if (got <= 0) return {IoResult::State::kFileFailed};
  const iovec piece{scratch.data(), static_cast<std::size_t>(got)};
  return Send({&piece, 1}, scratch);
}

Error Connection::FileError(const FileRange& file) const {
  const auto kind =
      errno_ == ESTALE ? ErrorKind::kChanged : ErrorKind::kLocal;  // an NFS server no longer has the file
  if (errno_ != 0) return {.kind = kind, .message = ErrnoText(errno_), .system_error = errno_};
  return {.kind = ErrorKind::kChanged,
          .message = fmt::format("changed while it was sent: it ends at byte {}", file.offset)};
}

IoResult Connection::Receive(std::span<char> buffer) {
  if (!is_plain_tcp_) {
    std::size_t received = 0;
    code_ = curl_easy_recv(easy(), buffer.data(), buffer.size(), &received);
    if (code_ == CURLE_AGAIN) return {IoResult::State::kBlocked};
    if (code_ != CURLE_OK) return {IoResult::State::kFailed};
    if (received == 0) return {IoResult::State::kEnded};
    records_without_data_ = 0;
    return {IoResult::State::kBytes, received, true};
  }
  ssize_t received;
  do received = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  while (received < 0 && errno == EINTR);
  if (received < 0) {
    errno_ = errno;
    return {errno == EAGAIN ? IoResult::State::kBlocked : IoResult::State::kFailed};
  }
  if (received == 0) return {IoResult::State::kEnded};
  const auto bytes = static_cast<std::size_t>(received);
  return {IoResult::State::kBytes, bytes, bytes == buffer.size()};
}

// For plain TCP one system call is enough. With TLS, bytes may also wait in the buffers of libcurl and
// OpenSSL, and bytes in the socket may be messages of TLS itself. So with TLS the connection is quiet only if
// a receive returns nothing.
bool Connection::IsQuiet() {
  char byte;
  if (!is_plain_tcp_) return Receive({&byte, 1}).state == IoResult::State::kBlocked;
  ssize_t received;
  do received = recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  while (received < 0 && errno == EINTR);
  return received < 0 && errno == EAGAIN;
}

// Each TCP segment acknowledges the bytes that its sender has received. So when a response to the whole
// request arrives, the whole request is acknowledged (tcp(7), SIOCOUTQ).
bool Connection::HasUnacknowledged() const {
  int bytes = 0;
  return ioctl(socket_, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

ErrorKind Connection::ProblemKind() const {
  const bool is_mismatch = !is_plain_tcp_ && IsProtocolMismatch(code_, error_text_.get());
  return is_mismatch ? ErrorKind::kWrongEndpoint : ErrorKind::kTransient;
}

std::string Connection::Problem() const {
  if (is_plain_tcp_) return ErrnoText(errno_);
  return error_text_[0] != '\0' ? error_text_.get() : curl_easy_strerror(code_);
}

}  // namespace s3
