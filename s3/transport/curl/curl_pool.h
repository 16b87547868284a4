// The multi handle of one event loop: its sockets in epoll, its timer, and its connections, of which the idle
// ones are kept for reuse (keep-alive).
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "s3/options.h"
#include "s3/transport/curl/curl_connection.h"

namespace s3 {

// Belongs to the loop's thread.
class CurlPool {
 public:
  using Clock = CurlConnection::Clock;

  // `options` and `epoll` must outlive the pool. At most `max_idle` connections are kept idle, and at most
  // `max_connecting` are being made at a time.
  CurlPool(const TransportOptions& options, int epoll, int max_idle, std::size_t max_connecting);
  ~CurlPool();
  CurlPool(const CurlPool&) = delete;
  CurlPool& operator=(const CurlPool&) = delete;

  // Returns the most recently used idle connection to `origin`, or null.
  CurlConnection* TakeIdle(const std::string& origin, Clock::time_point now);
  // Returns a handle without a connection. libcurl makes the connection for the handle's first transfer.
  // Does not check can_connect(), because a resend may exceed the limit. Throws std::bad_alloc.
  CurlConnection* Create(const Endpoint& endpoint);
  bool can_connect() const { return connecting_ < max_connecting_; }
  // Gives the connection's transfer to libcurl. Throws std::bad_alloc.
  void Start(CurlConnection* connection);
  // Takes a connection back after a transfer: keeps it idle, or closes it when the pool is full.
  void KeepAlive(CurlConnection* connection, Clock::time_point now);
  void Close(CurlConnection* connection);
  // Closes all idle connections, so that their file descriptors become free.
  void CloseIdle();

  // Handles one epoll event of a connection's socket or of another descriptor that libcurl has opened. Closes
  // an idle connection on which there is something to receive: the server has closed it, or has sent bytes
  // without a request. Returns a transfer if the caller must now check its HasFlooded(), else null.
  Transfer* HandleEvent(int fd, std::uint32_t events);
  // Returns the time at which libcurl wants to be called next. Call HandleTimeout then.
  Clock::time_point deadline() const { return deadline_; }
  void HandleTimeout(Clock::time_point now);
  struct Ended {
    CurlConnection* connection;  // its easy() is no longer in the multi handle
    CURLcode code;
  };
  // Returns a transfer that has ended, if there is one.
  std::optional<Ended> NextEnded();

  // From now on, new connections let a proxy choose the scheme of authentication (CURLAUTH_ANY). Returns
  // false if `refused`, which got a 407, did so already.
  bool LetProxyChooseAuth(const CurlConnection& refused) {
    proxy_auth_ = CURLAUTH_ANY;
    return refused.proxy_auth != CURLAUTH_ANY;
  }

  // For CurlConnection only. Opened: a socket was opened. Closed: a socket is about to be closed. Connecting:
  // libcurl begins to make a connection. Connected: the transfer has a connection.
  void Opened(int fd, CurlConnection* connection);
  void Closed(int fd);
  void Connecting() { ++connecting_; }
  void Connected() { --connecting_; }

  // See ConnectionPool::kIdleTimeout.
  static constexpr std::chrono::seconds kIdleTimeout{118};

 private:
  // A socket stays in epoll for its whole life, also while it is idle, so that a request needs no epoll_ctl.
  struct Socket {
    CurlConnection* connection = nullptr;
    std::uint32_t events = 0;  // for which epoll watches the socket; 0: not in epoll
  };

  void SocketAction(int fd, int mask);
  int Watch(int fd, int what);
  int WatchOther(int fd, int what);
  static int OnSocket(CURL*, curl_socket_t fd, int what, void* self, void* known);
  static int OnTimer(CURLM*, long timeout_ms, void* self);

  const TransportOptions& options_;
  const int epoll_;
  const std::size_t max_idle_, max_connecting_;
  CURLM* const multi_;
  std::vector<Socket> sockets_;  // by descriptor
  std::unordered_map<CurlConnection*, std::unique_ptr<CurlConnection>> connections_;
  std::unordered_map<std::string, std::vector<CurlConnection*>> idle_;  // by origin, longest idle first
  std::size_t idle_count_ = 0, connecting_ = 0;
  unsigned long proxy_auth_ = CURLAUTH_BASIC;
  Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace s3
