// Several event loops as one transport, for machines on which one thread cannot feed the network.
#pragma once

#include <memory>
#include <vector>

#include "s3/transport/event_loop.h"

namespace s3 {

// Thread-safe, as its loops are.
class EventLoopGroup final : public Transport {
 public:
  // Starts `count` loops; each keeps at most `max_idle` idle connections. Throws std::system_error.
  EventLoopGroup(const TransportOptions& options, int count, int max_idle);

  // Chooses the loop with the fewest exchanges in flight, and the first of several such, so that a few
  // exchanges share connections. Small requests are cheaper together, because a loop with many of them
  // handles several each time it wakes: they go to the first loop with fewer than kTogether exchanges.
  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override;
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override;
  void CancelSleeps() override;
  void Abort() override;

  // For each loop: the exchanges that were sent and are not over.
  std::vector<int> in_flight() const;
  // For all loops: the exchanges that were cancelled because they took far longer than their peers.
  std::uint64_t cancelled_stragglers() const;

  static constexpr std::uint64_t kSmallBytes = 64 << 10;
  static constexpr int kTogether = 32;

 private:
  EventLoop& LoopFor(const HttpRequest& request) const;

  std::vector<std::unique_ptr<EventLoop>> loops_;
};

// Returns how many loops a machine with `cores` cores needs to feed the network. Without TLS one loop sends
// 5 GiB/s or 60,000 small objects a second. With TLS it sends 1.1 GiB/s, since its thread encrypts
// (bench/NOTES.md).
int EventLoopCount(int cores, bool tls);

}  // namespace s3
