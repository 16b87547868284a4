// One connection to a server, made by libcurl (name, proxy, TCP, TLS) and then ours to send and receive on.
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

// Belongs to the event loop's thread.
class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  // Prepares easy(), which makes the connection once it is in a multi handle, and must stay in it for as long
  // as the connection is used (https://curl.se/libcurl/c/CURLOPT_CONNECT_ONLY.html). `options` outlives it.
  // Throws std::bad_alloc when libcurl has no memory.
  Connection(const TransportOptions& options, const Endpoint& endpoint);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Null once libcurl is not needed any more: a bare socket is all there is to a connection without TLS.
  CURL* easy() const { return easy_.get(); }
  // After libcurl has connected. False when the connection has ended since.
  bool TakeSocket();
  // Whether bytes go through the socket alone. Then easy() may be taken out of the multi handle and dropped.
  bool is_bare() const { return is_bare_; }
  void DropEasy();
  int socket() const { return socket_; }
  // True when a connection was not made for want of a descriptor (EMFILE, ENFILE): no fault of the server's.
  bool LacksDescriptor() const;
  // Why libcurl could not connect.
  Error ConnectError(CURLcode code) const;

  struct Moved {
    // kUnread: the file did not give what was to be sent.
    enum class State { kBytes, kBlocked, kEnded, kFailed, kUnread } state;
    std::size_t bytes = 0;
    // Of kBytes: more may move at once. When it is false the socket says when.
    bool more = false;
  };
  // Neither blocks. Of what Send did not take, the same must come again, in the same place: TLS may have
  // begun with it. `scratch` has kScratchBytes, and is always the same.
  Moved Send(std::span<const iovec> pieces, std::span<char> scratch);
  Moved Receive(std::span<char> room);
  // True while the server has neither sent anything that was not received nor ended the connection: asked
  // right before a request is sent, since what is there by then belongs to no request. Otherwise it is to be
  // closed.
  bool IsQuiet();
  // True while bytes that were sent are not acknowledged by the server's kernel.
  bool HasUnacknowledged() const;
  // From the page cache, or by way of `scratch` where that is not possible. May wait for the disk.
  Moved SendFile(const FileRange& file, std::span<char> scratch);
  // Of the last kFailed.
  std::string Problem() const;
  // What it means: TLS 1.3 servers refuse a client's certificate after the connection is made.
  ErrorKind ProblemKind() const;
  // Of the last kUnread.
  Error FileError(const FileRange& file) const;

  // Events of epoll after which the server has ended its side, or there is something to receive, which its
  // end is, too.
  static constexpr std::uint32_t kEnding = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  static constexpr std::uint32_t kReadable = EPOLLIN | kEnding;

  // What libcurl is given at once: four TLS records, since each call costs it a search for the connection.
  static constexpr std::size_t kScratchBytes = 64 << 10;

  // The loop's own notes.
  Exchange* exchange = nullptr;  // null while idle
  std::string route;
  bool is_made = false;
  bool reused = false;
  std::string last_request_id;  // of the last response that had one
  bool is_numbered = false;     // two such responses in a row had different ones
  Clock::time_point idle_since{};

 private:
  void SetTls(const TlsOptions& tls);
  void SetProxy(const ProxyOptions& proxy);
  static curl_socket_t OnOpen(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnClose(void* self, curl_socket_t socket);
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  Moved SendByCurl(std::span<const iovec> pieces, std::span<char> scratch);
  Moved CopyFile(const FileRange& file, std::span<char> scratch);

  std::unique_ptr<char[]> error_text_;  // outlives easy_, which writes it
  // easy_'s own list of connections. libcurl looks a connection up at each call that sends or receives, one
  // by one among all in the list: the multi handle's has those of all requests in flight.
  std::unique_ptr<CURLSH, CURLSHcode (*)(CURLSH*)> share_;
  std::unique_ptr<CURL, void (*)(CURL*)> easy_;
  const bool is_bare_;
  const std::chrono::milliseconds connect_timeout_;
  const Clock::time_point made_at_ = Clock::now();
  int records_without_data_ = 0;  // of TLS, in a row
  int socket_ = -1;               // ours to close when it is bare
  int open_errno_ = 0;            // of socket(2)
  int errno_ = 0;
  CURLcode code_ = CURLE_OK;
};

}  // namespace s3
