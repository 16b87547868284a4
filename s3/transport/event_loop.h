// The transport: exchanges over pooled connections, on epoll, in a thread of its own.
#pragma once

#include <memory>

#include "s3/http.h"
#include "s3/options.h"

namespace s3 {

class EventLoop final : public Transport {
 public:
  // A burst of new connections overruns servers' queues, and each costs libcurl some 20 KiB until it is made.
  static constexpr std::size_t kMaxConnecting = 128;

  // Starts the thread. `max_connections` is how many idle connections are kept for reuse: as many
  // as there can be exchanges in flight. `loops`: how many there are, which share what may be given up.
  EventLoop(const TransportOptions& options, int max_connections,
            std::size_t most_in_the_making = kMaxConnecting, int loops = 1);
  // Precondition: every Wake has been called.
  ~EventLoop() override;

  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override;
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override;
  void CancelSleeps() override;
  void Abort() override;

  // Exchanges that were sent and have not ended.
  int in_flight() const;
  // Exchanges that were ended for being far slower than their peers.
  std::uint64_t given_up() const;

 private:
  class Loop;
  const std::unique_ptr<Loop> loop_;
};

}  // namespace s3
