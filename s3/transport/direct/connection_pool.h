// Makes connections with libcurl's multi interface, and keeps idle ones for reuse (keep-alive). Closes an
// idle connection when the server closes it or sends bytes, or when the idle timeout is over.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "s3/options.h"
#include "s3/transport/direct/connection.h"

namespace s3 {

// Owns all connections of one event loop and registers their sockets with its epoll. For the loop's thread
// only.
class ConnectionPool {
 public:
  using Clock = Connection::Clock;

  // `options` and `epoll` must outlive the pool. At most `max_idle` connections are kept idle, and at most
  // `max_connecting` are being made at a time.
  ConnectionPool(const TransportOptions& options, int epoll, int max_idle, std::size_t max_connecting);
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // Returns the most recently used idle connection to `origin` on which there is nothing to receive, or null.
  // Closes the idle connections that it finds with bytes to receive, even if the loop has not yet handled
  // their epoll events.
  Connection* TakeIdle(const std::string& origin, Clock::time_point now);
  // Starts to make a connection. NextConnected returns it later. Precondition: can_connect(). Throws
  // std::bad_alloc.
  Connection* Connect(const Endpoint& endpoint);
  bool can_connect() const { return connecting_ < max_connecting_; }
  // Takes a connection back after an exchange: keeps it idle, or closes it when the pool is full.
  void KeepAlive(Connection* connection, Clock::time_point now);
  void Close(Connection* connection);
  // Closes all idle connections, so that their file descriptors become free.
  void CloseIdle();

  // Handles one epoll event of a connection's socket. Returns the connection if an exchange uses it; null if
  // the connection is idle or still being made.
  Connection* HandleEvent(int fd, std::uint32_t events);
  // Returns the time at which libcurl wants to be called next. Call HandleTimeout then.
  Clock::time_point deadline() const { return deadline_; }
  void HandleTimeout(Clock::time_point now);
  struct Connected {
    Connection* connection;
    CURLcode code;  // CURLE_OK: ready for use; else the caller closes the connection
  };
  // Returns a connection that libcurl has finished connecting, if there is one.
  std::optional<Connected> NextConnected();

  // Idle connections are closed after this time, because servers and middleboxes drop idle connections, some
  // of them without a FIN. The value is libcurl's (https://curl.se/libcurl/c/CURLOPT_MAXAGE_CONN.html).
  static constexpr std::chrono::seconds kIdleTimeout{118};

  // At most this many connections of a loop keep their TLS buffers: 34 KB each, 4.4 MB together.
  static constexpr std::size_t kMaxWithTlsBuffers = 128;

 private:
  bool Watch(Connection* connection);
  void CloseExpired(std::vector<Connection*>* idle, Clock::time_point now);
  static int OnSocket(CURL*, curl_socket_t fd, int what, void* self, void* known);
  static int OnTimer(CURLM*, long timeout_ms, void* self);

  const TransportOptions& options_;
  const int epoll_;
  const std::size_t max_idle_, max_connecting_;
  CURLM* const multi_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> by_socket_;
  std::unordered_map<std::string, std::vector<Connection*>> idle_;  // by origin, longest idle first
  std::size_t idle_count_ = 0, connecting_ = 0;
  Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace s3
