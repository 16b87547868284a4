#include "s3/transport/direct/connection.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "s3/transport/curl_error.h"

namespace s3 {
namespace {

using IoResult = Connection::IoResult;

}  // namespace

Connection::Connection(const TransportOptions& options, const Endpoint& endpoint, bool keeps_tls_buffers)
    : origin(endpoint.Url()),
      error_text_(std::make_unique<char[]>(CURL_ERROR_SIZE)),
      share_(nullptr, curl_share_cleanup),
      easy_(curl_easy_init(), curl_easy_cleanup),
      is_plain_tcp_(endpoint.scheme == "http" && !MayUseProxy(options.proxy)),
      connect_timeout_(options.connect_timeout),
      tls_{.reads_ahead = endpoint.scheme == "https" && !MayUseProxy(options.proxy),
           .keeps_buffers = keeps_tls_buffers} {
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
  Set(curl, CURLOPT_CONNECT_ONLY, 1L);
  Set(curl, CURLOPT_OPENSOCKETFUNCTION, &Connection::OnOpen);
  Set(curl, CURLOPT_OPENSOCKETDATA, this);
  Set(curl, CURLOPT_CLOSESOCKETFUNCTION, &Connection::OnClose);
  Set(curl, CURLOPT_CLOSESOCKETDATA, this);
  Set(curl, CURLOPT_URL, origin.c_str());
  Set(curl, CURLOPT_XFERINFOFUNCTION, &Connection::OnProgress);
  Set(curl, CURLOPT_XFERINFODATA, this);
  Set(curl, CURLOPT_NOPROGRESS, 0L);
  Set(curl, CURLOPT_BUFFERSIZE, 1L << 10);  // libcurl uses this buffer only for a proxy's response
  SetConnectOptions(curl, options, &tls_);
  SetProxy(curl, options.proxy, true);  // tunnel, so that we send to the store itself
}

Connection::~Connection() {
  easy_.reset();
  if (is_plain_tcp_ && socket_ >= 0) close(socket_);
}

void Connection::DropEasy() {
  easy_.reset();
  error_text_.reset();
}

bool Connection::LacksDescriptor() const { return s3::LacksDescriptor(open_errno_); }

Error Connection::ConnectError(CURLcode code) const {
  return s3::ConnectError(easy(), code, error_text_.get(), connect_timeout_);
}

Error Connection::FileError(const FileRange& file) const { return s3::FileError(errno_, file.offset); }

// Keeps the errno of socket(2), which libcurl does not report.
curl_socket_t Connection::OnOpen(void* self, curlsocktype, curl_sockaddr* address) {
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  static_cast<Connection*>(self)->open_errno_ = fd < 0 ? errno : 0;
  return fd;
}

int Connection::OnClose(void* self, curl_socket_t socket) {
  const auto& connection = *static_cast<Connection*>(self);
  return connection.is_plain_tcp_ && socket == connection.socket_ ? 0 : close(socket);
}

// Enforces connect_timeout. CURLOPT_CONNECTTIMEOUT_MS alone is not enough: after that time, libcurl 7.88
// still reads a proxy's refusal as long as bytes arrive.
int Connection::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& connection = *static_cast<Connection*>(self);
  return Clock::now() - connection.created_at_ > connection.connect_timeout_ ? 1 : 0;
}

bool Connection::TakeSocket() {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy(), CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK) return false;
  socket_ = socket;
  return socket != CURL_SOCKET_BAD;
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

// sendfile(2) gives the pages of the file to the network. If the file changes, the bytes that are sent can
// still change. So the caller must check after the response that the file has not changed since it was
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

IoResult Connection::Receive(std::span<char> buffer) {
  if (!is_plain_tcp_) {
    std::size_t received = 0;
    code_ = curl_easy_recv(easy(), buffer.data(), buffer.size(), &received);
    if (code_ == CURLE_AGAIN) return {IoResult::State::kBlocked};
    if (code_ != CURLE_OK) return {IoResult::State::kFailed};
    if (received == 0) return {IoResult::State::kEnded};
    tls_.records_without_data = 0;
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

// One system call is enough if all received bytes lie in the socket. If libcurl or OpenSSL may hold some, or
// if the socket has some that may be a message of TLS itself, the connection is quiet only if a receive
// returns nothing.
bool Connection::IsQuiet() {
  char byte;
  if (is_plain_tcp_ || !HoldsBytes(tls_)) {
    ssize_t received;
    do received = recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    while (received < 0 && errno == EINTR);
    if (received < 0 && errno == EAGAIN) return true;
    if (is_plain_tcp_) return false;
  }
  return Receive({&byte, 1}).state == IoResult::State::kBlocked;
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
  return CurlProblem(code_, error_text_.get());
}

}  // namespace s3
