// One event loop as a transport: exchanges over pooled connections, on epoll, in one thread of its own.
#pragma once

#include <memory>

#include "s3/http.h"
#include "s3/options.h"
#include "s3/transport/engine.h"

namespace s3 {

// All functions are thread-safe. Wakes are called from the loop's thread, or from within Send and WakeAfter
// when these fail at once.
class EventLoop final : public Transport {
 public:
  // A burst of new connections overflows the accept queues of servers, and each costs libcurl some 20 KiB
  // until it is made. More exchanges than this wait for a connection.
  static constexpr std::size_t kMaxConnecting = 128;

  // Starts the thread. At most `max_idle` connections are kept for reuse: pass the largest number of
  // exchanges in flight. `loops`: the number of event loops of the run; together they keep the limit on
  // cancelled stragglers. Throws std::system_error when the process has no descriptor or thread left.
  EventLoop(const TransportOptions& options, int max_idle, std::size_t max_connecting = kMaxConnecting,
            int loops = 1);
  // Precondition: every Wake has been called.
  ~EventLoop() override;

  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override;
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override;
  void CancelSleeps() override;
  void Abort() override;

  // Exchanges that were sent and are not over.
  int in_flight() const;
  // Exchanges that were cancelled because they took far longer than their peers.
  std::uint64_t cancelled_stragglers() const;

 private:
  const std::unique_ptr<Engine> engine_;
};

}  // namespace s3
