// One connection to a server: libcurl makes it (name, proxy, TCP, TLS); then we send and receive on it.
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
#include "s3/uri.h"

namespace s3 {

class Exchange;

// Belongs to the event loop's thread. No call blocks, except for reading a body from a file.
class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  // Prepares easy(). libcurl makes the connection once easy() is in a multi handle, and easy() must stay in
  // it for as long as the connection is used (https://curl.se/libcurl/c/CURLOPT_CONNECT_ONLY.html). `options`
  // must outlive the connection. Throws std::bad_alloc when libcurl has no memory.
  Connection(const TransportOptions& options, const Endpoint& endpoint);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The libcurl handle; null after DropEasy().
  CURL* easy() const { return easy_.get(); }
  // Call after libcurl has connected. Returns false when the connection has ended since.
  bool TakeSocket();
  // True when the bytes of the exchange are the bytes on the socket: no TLS and no proxy. Once such a
  // connection is made, it does not need libcurl any more: take easy() out of the multi handle, then call
  // DropEasy().
  bool is_plain_tcp() const { return is_plain_tcp_; }
  void DropEasy();
  int socket() const { return socket_; }
  // True when the connection failed because this process or system has no descriptor left (EMFILE, ENFILE):
  // the server is not at fault.
  bool LacksDescriptor() const;
  // Says why libcurl could not connect.
  Error ConnectError(CURLcode code) const;

  // The result of one call that sends or receives.
  struct IoResult {
    enum class State {
      kBytes,       // `bytes` were moved
      kBlocked,     // nothing can be moved now; epoll reports when that changes
      kEnded,       // the server has closed its side
      kFailed,      // see Problem()
      kFileFailed,  // the file did not yield the bytes to send; see FileError()
    } state;
    std::size_t bytes = 0;
    // For kBytes: true if another call may move more at once. If false, wait until epoll reports the socket.
    bool more = false;
  };
  // Sends from the front of `pieces`. What one call did not send must come first in the next call, at the
  // same address: TLS may have encrypted its beginning. `scratch` has kScratchBytes and is the same at each
  // call.
  IoResult Send(std::span<const iovec> pieces, std::span<char> scratch);
  // Sends from a file: by sendfile(2) from the page cache, or through `scratch` where that is impossible. May
  // wait for the disk.
  IoResult SendFile(const FileRange& file, std::span<char> scratch);
  IoResult Receive(std::span<char> buffer);
  // Returns true when there is nothing to receive and the server has not closed. Ask right before a request
  // is sent, and close the connection when it is not quiet: bytes that lie there belong to no request.
  bool IsQuiet();
  // Returns true while the server's kernel has not acknowledged all bytes that were sent.
  bool HasUnacknowledged() const;
  // Describes the last kFailed.
  std::string Problem() const;
  // Classifies the last kFailed. A TLS 1.3 server refuses a client certificate only after the handshake.
  ErrorKind ProblemKind() const;
  // Describes the last kFileFailed.
  Error FileError(const FileRange& file) const;

  // epoll events: the server has closed its side; there is something to receive, which may be that end.
  static constexpr std::uint32_t kPeerClosed = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  static constexpr std::uint32_t kReadable = EPOLLIN | kPeerClosed;

  // Bytes given to libcurl in one call: four TLS records, since each call costs a search for the connection.
  static constexpr std::size_t kScratchBytes = 64 << 10;

  // Notes of the event loop and the pool.
  Exchange* exchange = nullptr;   // null while idle
  std::string origin;             // scheme, host and port, as a URL
  bool is_connected = false;      // libcurl has finished connecting, with success or without
  bool is_reused = false;         // it has carried an exchange before
  std::string last_request_id;    // of the last response that had one
  bool has_distinct_ids = false;  // two responses in a row had different ones
  Clock::time_point idle_since{};

 private:
  static curl_socket_t OnOpen(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnClose(void* self, curl_socket_t socket);
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  IoResult SendByCurl(std::span<const iovec> pieces, std::span<char> scratch);
  IoResult CopyFile(const FileRange& file, std::span<char> scratch);

  std::unique_ptr<char[]> error_text_;  // outlives easy_, which writes it
  // Gives easy_ a connection cache of its own. libcurl looks the connection up at each send and receive, by a
  // linear search of its cache: the multi handle's cache holds the connections of all exchanges in flight.
  std::unique_ptr<CURLSH, CURLSHcode (*)(CURLSH*)> share_;
  std::unique_ptr<CURL, void (*)(CURL*)> easy_;
  const bool is_plain_tcp_;
  const std::chrono::milliseconds connect_timeout_;
  const Clock::time_point created_at_ = Clock::now();
  int records_without_data_ = 0;  // of TLS, in a row
  int socket_ = -1;               // ours to close when it is plain TCP; else libcurl's
  int open_errno_ = 0;            // of socket(2)
  int errno_ = 0;                 // of the last system call that failed
  CURLcode code_ = CURLE_OK;      // of the last call of libcurl
};

}  // namespace s3
