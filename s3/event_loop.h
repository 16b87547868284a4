// The transport: exchanges over pooled connections, on epoll, in a thread of its own.
#pragma once

#include <memory>

#include "s3/http.h"
#include "s3/options.h"

namespace s3 {

class EventLoop final : public Transport {
 public:
  // Starts the thread. `max_connections` is how many idle connections are kept for reuse: as many
  // as there can be exchanges in flight.
  EventLoop(const TransportOptions& options, int max_connections);
  // Precondition: every Wake has been called.
  ~EventLoop() override;

  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override;
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override;
  void CancelSleeps() override;
  void Abort() override;

 private:
  class Loop;
  const std::unique_ptr<Loop> loop_;
};

}  // namespace s3
