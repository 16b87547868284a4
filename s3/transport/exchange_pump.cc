#include "s3/transport/exchange_pump.h"

#include <sys/uio.h>

#include <string_view>
#include <utility>

namespace s3 {
namespace {

using IoState = Connection::IoResult::State;

}  // namespace

ExchangePump::Outcome ExchangePump::Run(Connection* connection, Exchange* exchange, const Work& work,
                                        Clock::time_point now) {
  bool got_interim = false;
  if (work.receive) {
    const auto received = Receive(connection, exchange, work.server_closed, now, &got_interim);
    if (received != Outcome::kBlocked) return received;
  }
  if (work.stop_awaiting_continue) exchange->StopAwaitingContinue();
  const bool send = work.send || got_interim || work.stop_awaiting_continue;
  if (!send || exchange->sent_all()) return Outcome::kBlocked;
  switch (Send(connection, exchange, now)) {
    case SendState::kBlocked: return Outcome::kBlocked;
    case SendState::kFileUnreadable: return Outcome::kFileUnreadable;
    case SendState::kFailed: break;
  }
  // Before the server closed the connection, it may have sent a response that says why.
  auto send_problem = "sending: " + connection->Problem();
  const auto received = Receive(connection, exchange, true, now, &got_interim);
  return received == Outcome::kBlocked ? Lost(std::move(send_problem)) : received;
}

ExchangePump::SendState ExchangePump::Send(Connection* connection, Exchange* exchange,
                                           Clock::time_point now) {
  for (;;) {
    std::array<iovec, 64> room;
    const auto pieces = exchange->Unsent(room);
    const auto file = exchange->UnsentFile();
    if (pieces.empty() && file.bytes == 0) return SendState::kBlocked;
    const auto sent =
        pieces.empty() ? connection->SendFile(file, buffer_) : connection->Send(pieces, buffer_);
    switch (sent.state) {
      case IoState::kBytes: break;
      case IoState::kBlocked: return SendState::kBlocked;
      case IoState::kFileFailed: return SendState::kFileUnreadable;
      case IoState::kEnded:
      case IoState::kFailed: return SendState::kFailed;
    }
    const auto before = exchange->body_sent();
    exchange->Sent(sent.bytes, now);
    const auto total = sent_bytes_.load(std::memory_order_relaxed) + exchange->body_sent() - before;
    sent_bytes_.store(total, std::memory_order_relaxed);
    if (!sent.more) return SendState::kBlocked;
  }
}

// After an interim response, receives until nothing is left. Only then may the body be sent, so that no bytes
// that the server sent earlier can be mistaken for the response to the body.
ExchangePump::Outcome ExchangePump::Receive(Connection* connection, Exchange* exchange, bool server_closed,
                                            Clock::time_point now, bool* got_interim) {
  using State = ResponseParser::State;
  for (;;) {
    const auto received = connection->Receive(buffer_);
    if (received.state == IoState::kBlocked) return Outcome::kBlocked;
    if (received.state == IoState::kFailed) return Lost("receiving: " + connection->Problem());
    const bool ended = received.state == IoState::kEnded;
    if (!ended && !exchange->sent_head()) return Lost("a response came before the request was sent");
    State state;
    if (ended) {
      state = exchange->ConnectionEnded();
    } else {
      const bool is_early =
          exchange->needs_acknowledgement() ? connection->HasUnacknowledged() : !exchange->sent_all();
      state = exchange->Received({buffer_.data(), received.bytes}, is_early, now);
    }
    switch (state) {
      case State::kMalformed: return Lost(exchange->problem());
      case State::kComplete: return ended || server_closed ? Outcome::kResponseAndClose : Outcome::kResponse;
      case State::kCutOff: return Outcome::kResponseAndClose;
      case State::kInterim: *got_interim = true; break;
      case State::kIncomplete: break;
    }
    if (!received.more && !server_closed && !*got_interim) return Outcome::kBlocked;
  }
}

ExchangePump::Outcome ExchangePump::Lost(std::string problem) {
  problem_ = std::move(problem);
  return Outcome::kConnectionLost;
}

}  // namespace s3
