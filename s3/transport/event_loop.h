// One event loop as a transport: exchanges over pooled connections, on epoll, in one thread of its own.
#pragma once

#include <cstdint>
#include <memory>

#include "s3/http.h"
#include "s3/options.h"
#include "s3/transport/engine.h"

namespace s3 {

// All functions are thread-safe. The loop's thread calls the Wakes. If Send or WakeAfter fails at once, it
// calls the Wake itself.
class EventLoop final : public Transport {
 public:
  // The largest number of connections that are being made at a time; further exchanges wait. A burst of new
  // connections overflows the accept queues of servers, and each costs libcurl some 20 KiB until it is made.
  static constexpr std::size_t kMaxConnecting = 128;

  // Starts the thread. At most `max_idle` connections are kept for reuse: pass the largest number of
  // exchanges in flight. `loops`: the number of event loops of the run; they share the limit on cancelled
  // stragglers. Throws std::system_error when the process has no file descriptor or thread left.
  EventLoop(const TransportOptions& options, int max_idle, std::size_t max_connecting = kMaxConnecting,
            int loops = 1);
  // Precondition: every Wake has been called.
  ~EventLoop() override;

  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override;
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override;
  void CancelSleeps() override;
  void Abort() override;

  // Returns the number of exchanges that were given to Send and are not over.
  int in_flight() const;
  // Returns the number of exchanges that were cancelled because they took far longer than their peers.
  std::uint64_t cancelled_stragglers() const;
  SentBytes sent_bytes() const;

 private:
  const std::unique_ptr<Engine> engine_;
};

}  // namespace s3
