// Makes connections with libcurl's multi interface, keeps idle ones for reuse, notices when their server
// closes them.
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
#include "s3/transport/connection.h"

namespace s3 {

// Belongs to the event loop's thread, and to its epoll descriptor. Owns all connections.
class ConnectionPool {
 public:
  using Clock = Connection::Clock;

  // `options` and `epoll` outlive it. `max_idle` connections are kept for reuse.
  ConnectionPool(const TransportOptions& options, int epoll, int max_idle, std::size_t most_in_the_making);
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // The one that was used last, or null. Nothing is there to be received on it; any other is closed, whatever
  // events of it are still to be handled.
  Connection* TakeIdle(const std::string& route, Clock::time_point now);
  // Begins to make one, when can_make(); NextMade yields it. Throws std::bad_alloc.
  Connection* Make(const Endpoint& endpoint);
  bool can_make() const { return in_the_making_ < most_in_the_making_; }
  void Keep(Connection* connection, Clock::time_point now);
  void Close(Connection* connection);
  // Gives their descriptors back.
  void CloseIdle();

  // To be called for each event that epoll reports of a descriptor that the loop does not know. The
  // connection in use that it is for, or null: it was about one that is being made or is idle.
  Connection* Handle(int fd, std::uint32_t events);
  // When libcurl wants to be called, and the call.
  Clock::time_point deadline() const { return deadline_; }
  void HandleTime(Clock::time_point now);
  struct Made {
    Connection* connection;
    CURLcode code;  // CURLE_OK: it can be used; else it is to be closed
  };
  std::optional<Made> NextMade();

  // Servers and what is in between drop what is long idle, not all of them with a word. libcurl's limit
  // (https://curl.se/libcurl/c/CURLOPT_MAXAGE_CONN.html).
  static constexpr std::chrono::seconds kMaxIdle{118};

 private:
  bool Watch(Connection* connection);
  void CloseLongIdle(std::vector<Connection*>* idle, Clock::time_point now);
  static int OnSocket(CURL*, curl_socket_t fd, int what, void* self, void* known);
  static int OnTimer(CURLM*, long timeout_ms, void* self);

  const TransportOptions& options_;
  const int epoll_;
  const std::size_t max_idle_, most_in_the_making_;
  CURLM* const multi_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> by_socket_;
  std::unordered_map<std::string, std::vector<Connection*>> idle_;  // by route, longest idle first
  std::size_t idle_count_ = 0, in_the_making_ = 0;
  Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace s3
