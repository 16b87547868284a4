// The interface of an event loop, which sends requests and runs timers in a thread of its own. Each of the
// two transports implements it.
#pragma once

#include <cstdint>

#include "s3/http.h"
#include "s3/options.h"

namespace s3 {

// Bytes of request bodies that were given to the kernel, or to libcurl. With the libcurl transport, a body of
// at most 1 MiB in one piece of memory is counted only when its response comes.
struct SentBytes {
  std::uint64_t total = 0;      // since the start; a repeated request counts again
  std::uint64_t in_flight = 0;  // the part of `total` whose requests are still in flight
};

// One event loop. The destructor requires that every Wake has been called. Send and WakeAfter may throw
// std::exception; then they have not called the Wake.
class Engine : public Transport {
 public:
  // Returns the number of exchanges that were given to Send and are not over.
  virtual int in_flight() const = 0;
  // Returns the number of exchanges that were cancelled because they took far longer than their peers.
  virtual std::uint64_t cancelled_stragglers() const = 0;
  virtual SentBytes sent_bytes() const = 0;
};

// `options` are copied. At most `max_idle` connections are kept for reuse, and at most `max_connecting` are
// being made at a time. `loops`: the number of event loops of the run; they share the limit on
// cancelled stragglers.
struct EngineSettings {
  TransportOptions options;
  int max_idle = 0;
  std::size_t max_connecting = 1;
  int loops = 1;
};

}  // namespace s3
