// One connection to a server. libcurl makes it (name, proxy, TCP, TLS); then s3flow sends and receives on it.
#pragma once

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "s3/base/result.h"
#include "s3/http.h"
#include "s3/options.h"
#include "s3/transport/curl_options.h"
#include "s3/uri.h"

namespace s3 {

class Exchange;

// Belongs to the event loop's thread. No call blocks, except for reading a body from a file.
class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  // Prepares easy(). libcurl makes the connection once easy() is in a multi handle. easy() must stay in that
  // handle while the connection is used (https://curl.se/libcurl/c/CURLOPT_CONNECT_ONLY.html). `options` must
  // outlive the connection. `keeps_tls_buffers`: see TlsState. Throws std::bad_alloc when libcurl has no
  // memory.
  Connection(const TransportOptions& options, const Endpoint& endpoint, bool keeps_tls_buffers);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The libcurl handle; null after DropEasy().
  CURL* easy() const { return easy_.get(); }
  // Call after libcurl has connected: sets socket(). Returns false when the connection has ended since.
  bool TakeSocket();
  // True when there is neither TLS nor a proxy, so that s3flow uses the socket directly. Once such a
  // connection is made, it does not need libcurl any more: take easy() out of the multi handle, then call
  // DropEasy().
  bool is_plain_tcp() const { return is_plain_tcp_; }
  void DropEasy();
  int socket() const { return socket_; }
  // Returns true when the connection failed because this process or system has no file descriptor left
  // (EMFILE, ENFILE). Then the server is not at fault.
  bool LacksDescriptor() const;
  // Says why libcurl could not connect.
  Error ConnectError(CURLcode code) const;

  // The result of one call that sends or receives.
  struct IoResult {
    enum class State {
      kBytes,       // `bytes` were sent or received
      kBlocked,     // nothing can be sent or received now; epoll reports when that changes
      kEnded,       // the server has closed its side
      kFailed,      // see Problem()
      kFileFailed,  // the file did not yield the bytes to send; see FileError()
    } state;
    std::size_t bytes = 0;
    // For kBytes: true if another call may succeed at once. If false, wait until epoll reports the socket.
    bool more = false;
  };
  // Sends from the front of `pieces`. The next call must begin with the bytes that this call did not send, at
  // the same address, because TLS may have encrypted the first of them already. `scratch` has kScratchBytes
  // and is the same buffer in each call.
  IoResult Send(std::span<const iovec> pieces, std::span<char> scratch);
  // Sends from a file, with sendfile(2) from the page cache. Copies through `scratch` where sendfile is
  // impossible. May wait for the disk.
  IoResult SendFile(const FileRange& file, std::span<char> scratch);
  IoResult Receive(std::span<char> buffer);
  // Returns true when there is nothing to receive and the server has not closed the connection. Call it right
  // before sending a request. If it returns false, close the connection: the received bytes belong to no
  // request.
  bool IsQuiet();
  // Returns true while the server's kernel has not acknowledged all bytes that were sent.
  bool HasUnacknowledged() const;
  // Describes the last kFailed.
  std::string Problem() const;
  // Classifies the last kFailed. Not every kFailed is a network error: a TLS 1.3 server refuses a client
  // certificate only after the handshake.
  ErrorKind ProblemKind() const;
  // Describes the last kFileFailed.
  Error FileError(const FileRange& file) const;

  // epoll events. kPeerClosed: the server has closed its side. kReadable: there are bytes to receive, or the
  // end of the connection.
  static constexpr std::uint32_t kPeerClosed = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  static constexpr std::uint32_t kReadable = EPOLLIN | kPeerClosed;

  // The size of `scratch`, and the most bytes that one call gives to libcurl: four TLS records. libcurl
  // searches for the connection in each call, so fewer and larger calls are cheaper.
  static constexpr std::size_t kScratchBytes = 64 << 10;

  // Written and read by the event loop and the pool only.
  Exchange* exchange = nullptr;   // null while idle
  std::string origin;             // scheme, host and port, as a URL
  bool is_connected = false;      // libcurl has finished connecting, with success or without
  bool is_reused = false;         // the connection has carried an exchange before
  std::string last_request_id;    // x-amz-request-id of the last response that had one
  bool has_distinct_ids = false;  // two responses in a row had different ids
  Clock::time_point idle_since{};

 private:
  static curl_socket_t OnOpen(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnClose(void* self, curl_socket_t socket);
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  IoResult SendByCurl(std::span<const iovec> pieces, std::span<char> scratch);
  IoResult CopyFile(const FileRange& file, std::span<char> scratch);

  std::unique_ptr<char[]> error_text_;  // outlives easy_, which writes it
  // Gives easy_ a connection cache of its own. At each send and receive, libcurl searches the cache for the
  // connection linearly. The multi handle's cache would contain the connections of all exchanges in flight.
  std::unique_ptr<CURLSH, CURLSHcode (*)(CURLSH*)> share_;
  std::unique_ptr<CURL, void (*)(CURL*)> easy_;
  const bool is_plain_tcp_;
  const std::chrono::milliseconds connect_timeout_;
  const Clock::time_point created_at_ = Clock::now();
  TlsState tls_;
  int socket_ = -1;           // closed by this class if is_plain_tcp_, else by libcurl
  int open_errno_ = 0;        // of socket(2)
  int errno_ = 0;             // of the last system call that failed
  CURLcode code_ = CURLE_OK;  // of the last call of libcurl
};

}  // namespace s3
