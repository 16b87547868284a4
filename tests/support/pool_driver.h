// Drives a ConnectionPool as the event loop does, in the test's thread.
#pragma once

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "s3/base/unique_fd.h"
#include "s3/transport/direct/connection_pool.h"

namespace test {

class PoolDriver {
 public:
  using Clock = s3::ConnectionPool::Clock;

  explicit PoolDriver(int max_idle = 4, std::size_t max_connecting = 4)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)), pool(options_, epoll_.get(), max_idle, max_connecting) {}

  // Makes a connection and waits until libcurl has finished connecting.
  s3::ConnectionPool::Connected Connect(const s3::Endpoint& endpoint) {
    pool.Connect(endpoint);
    for (;;) {
      if (const auto connected = pool.NextConnected()) return *connected;
      HandleEvents();
    }
  }

  // Waits until epoll has reported one of `events` for a connection that has an exchange.
  void Await(s3::Connection* connection, std::uint32_t events) {
    while ((seen_[connection] & events) == 0) HandleEvents();
    seen_[connection] &= ~events;
  }

 private:
  void HandleEvents() {
    epoll_event events[16];
    int timeout_ms = -1;
    if (pool.deadline() != Clock::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(pool.deadline() - Clock::now());
      timeout_ms = std::max(0, static_cast<int>(left.count()));
    }
    const int count = epoll_wait(epoll_.get(), events, std::size(events), timeout_ms);
    for (int i = 0; i < count; ++i) {
      if (auto* const connection = pool.HandleEvent(events[i].data.fd, events[i].events))
        seen_[connection] |= events[i].events;
    }
    pool.HandleTimeout(Clock::now());
  }

  const s3::TransportOptions options_{.proxy = {.from_environment = false}};
  const s3::UniqueFd epoll_;
  std::map<s3::Connection*, std::uint32_t> seen_;

 public:
  s3::ConnectionPool pool;
};

}  // namespace test
