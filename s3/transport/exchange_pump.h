// Moves the bytes of one exchange over its connection until the socket blocks or the exchange is over.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "s3/transport/connection.h"
#include "s3/transport/exchange.h"

namespace s3 {

// For the event loop's thread only. One pump serves all exchanges of a loop. It does not change the pool or
// the loop's list of exchanges: the loop does that after it has the outcome.
class ExchangePump {
 public:
  using Clock = Exchange::Clock;

  // The steps to take. If all are false, the pump does nothing.
  struct Work {
    bool receive = false;
    bool send = false;
    bool server_closed = false;           // no more bytes will come: receive all that the kernel has
    bool stop_awaiting_continue = false;  // after receiving: send the body without 100 Continue
  };

  enum class Outcome {
    kBlocked,           // in progress; epoll reports when to continue
    kResponse,          // the response is complete, and the connection is still open
    kResponseAndClose,  // the response is complete or too long; the connection must be closed
    kConnectionLost,    // no response can come any more; see problem()
    kFileUnreadable,    // the body could not be read; see Connection::FileError
  };

  // Receives before it sends, because bytes that already wait in the kernel cannot be a response to the bytes
  // that are sent next. `exchange` must be the one on `connection`. `now` is the time of the epoll event.
  Outcome Run(Connection* connection, Exchange* exchange, const Work& work, Clock::time_point now);

  // Says why the connection was lost. Valid until the next Run.
  const std::string& problem() const { return problem_; }

  // Returns how many bytes of bodies have been sent, with repetitions. Any thread.
  std::uint64_t sent_bytes() const { return sent_bytes_.load(std::memory_order_relaxed); }

 private:
  enum class SendState { kBlocked, kFailed, kFileUnreadable };

  SendState Send(Connection* connection, Exchange* exchange, Clock::time_point now);
  // Sets `*got_interim` when a 1xx response came. Then the body may be sent.
  Outcome Receive(Connection* connection, Exchange* exchange, bool server_closed, Clock::time_point now,
                  bool* got_interim);
  Outcome Lost(std::string problem);

  std::array<char, Connection::kScratchBytes> buffer_;
  std::string problem_;
  std::atomic<std::uint64_t> sent_bytes_ = 0;  // written by the loop's thread only
};

}  // namespace s3
