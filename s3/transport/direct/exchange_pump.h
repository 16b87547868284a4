// Moves the bytes of one exchange over its connection until the socket blocks or the exchange is over.
#pragma once

#include <array>
#include <chrono>
#include <string>

#include "s3/transport/direct/connection.h"
#include "s3/transport/direct/exchange.h"

namespace s3 {

// Belongs to the event loop's thread; one pump serves all its exchanges. Changes neither the pool nor the
// list of exchanges: the loop acts upon the outcome.
class ExchangePump {
 public:
  using Clock = Exchange::Clock;

  // The steps to take. If all are false, the pump does nothing.
  struct Work {
    bool receive = false;
    bool send = false;
    bool server_closed = false;           // the kernel has all bytes that will come: receive them to the end
    bool stop_awaiting_continue = false;  // after receiving: send the body without 100 Continue
  };

  enum class Outcome {
    kBlocked,           // in progress; epoll reports when to continue
    kResponse,          // the response is complete, and the connection is still open
    kResponseAndClose,  // the response is complete or over the limit; the connection must be closed
    kConnectionLost,    // no response can come any more; see problem()
    kFileUnreadable,    // the body could not be read; see Connection::FileError
  };

  // Receives before it sends: bytes that wait in the kernel cannot be a response to what is sent next.
  // `exchange` is the one on `connection`. `now` is the time of the event.
  Outcome Run(Connection* connection, Exchange* exchange, const Work& work, Clock::time_point now);

  // Says why the connection was lost. Valid until the next Run.
  const std::string& problem() const { return problem_; }

 private:
  enum class SendState { kBlocked, kFailed, kFileUnreadable };

  SendState Send(Connection* connection, Exchange* exchange, Clock::time_point now);
  // `*got_interim` becomes true when a 1xx response came: the body may be sent then.
  Outcome Receive(Connection* connection, Exchange* exchange, bool server_closed, Clock::time_point now,
                  bool* got_interim);
  Outcome Lost(std::string problem);

  std::array<char, Connection::kScratchBytes> buffer_;
  std::string problem_;
};

}  // namespace s3
