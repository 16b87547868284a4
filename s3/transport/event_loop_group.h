// Several event loops as one transport, for machines on which one thread cannot feed the network.
#pragma once

#include <memory>
#include <vector>

#include "s3/transport/event_loop.h"

namespace s3 {

// Thread-safe.
class EventLoopGroup final : public Transport {
 public:
  // Starts `count` loops; each keeps at most `max_idle` idle connections. Throws std::system_error.
  EventLoopGroup(const TransportOptions& options, int count, int max_idle);

  // Sends on the loop with the fewest exchanges in flight. Among equal loops it chooses the first, so that a
  // few exchanges share connections. Requests with a body below kSmallBytes go to the first loop with fewer
  // than kTogether exchanges, because a loop with many small requests handles several each time it wakes.
  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override;
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override;
  void CancelSleeps() override;
  void Abort() override;

  // Returns for each loop the number of exchanges that were given to Send and are not over.
  std::vector<int> in_flight() const;
  // Returns the number of exchanges of all loops that were cancelled because they took far longer than their
  // peers.
  std::uint64_t cancelled_stragglers() const;
  // Returns the sums over all loops.
  SentBytes sent_bytes() const;

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
