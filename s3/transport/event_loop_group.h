// Several event loops as one transport, for machines where one thread is not enough to feed the network.
#pragma once

#include <memory>
#include <vector>

#include "s3/transport/event_loop.h"

namespace s3 {

class EventLoopGroup final : public Transport {
 public:
  // `max_connections` is how many idle connections each of `count` loops keeps.
  EventLoopGroup(const TransportOptions& options, int count, int max_connections);

  // To the loop with the fewest exchanges in flight; the first of several, so that a few share connections.
  // Small ones are cheaper together: a loop that has many wakes once for several of them.
  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override;
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override;
  void CancelSleeps() override;
  void Abort() override;

  // Of each loop: exchanges that were sent and have not ended.
  std::vector<int> in_flight() const;
  // Of all: exchanges that were ended for being far slower than their peers.
  std::uint64_t given_up() const;

  static constexpr std::uint64_t kSmallBytes = 64 << 10;
  static constexpr int kTogether = 32;

 private:
  EventLoop& LoopFor(const HttpRequest& request) const;

  std::vector<std::unique_ptr<EventLoop>> loops_;
};

// How many loops feed the network from a machine with so many cores. Without TLS one sends 5 GiB/s or 60,000
// small objects a second; with TLS 1.1 GiB/s, since its thread encrypts (bench/NOTES.md).
int EventLoopCount(int cores, bool tls);

}  // namespace s3
