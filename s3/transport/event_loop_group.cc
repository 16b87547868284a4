#include "s3/transport/event_loop_group.h"

#include <algorithm>

namespace s3 {

EventLoopGroup::EventLoopGroup(const TransportOptions& options, int count, int max_idle) {
  // The loops share kMaxConnecting, so that the group makes no more connections at a time than one loop
  // would.
  const auto connecting =
      std::max<std::size_t>(1, EventLoop::kMaxConnecting / static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    loops_.push_back(std::make_unique<EventLoop>(options, max_idle, connecting, count));
  }
}

void EventLoopGroup::Send(HttpRequest&& request, HttpResponse* response, Wake wake) {
  LoopFor(request).Send(std::move(request), response, wake);
}

EventLoop& EventLoopGroup::LoopFor(const HttpRequest& request) const {
  if (request.body_bytes() < kSmallBytes) {
    const auto has_room = [](const auto& loop) { return loop->in_flight() < kTogether; };
    if (const auto found = std::ranges::find_if(loops_, has_room); found != loops_.end()) return **found;
  }
  return **std::ranges::min_element(loops_, {}, &EventLoop::in_flight);
}

void EventLoopGroup::WakeAfter(std::chrono::milliseconds delay, Wake wake) {
  loops_.front()->WakeAfter(delay, wake);
}

void EventLoopGroup::CancelSleeps() {
  for (const auto& loop : loops_) loop->CancelSleeps();
}

void EventLoopGroup::Abort() {
  for (const auto& loop : loops_) loop->Abort();
}

std::vector<int> EventLoopGroup::in_flight() const {
  std::vector<int> counts;
  for (const auto& loop : loops_) counts.push_back(loop->in_flight());
  return counts;
}

std::uint64_t EventLoopGroup::cancelled_stragglers() const {
  std::uint64_t count = 0;
  for (const auto& loop : loops_) count += loop->cancelled_stragglers();
  return count;
}

SentBytes EventLoopGroup::sent_bytes() const {
  SentBytes sum;
  for (const auto& loop : loops_) {
    const auto sent = loop->sent_bytes();
    sum.total += sent.total;
    sum.in_flight += sent.in_flight;
  }
  return sum;
}

int EventLoopCount(int cores, bool tls) {
  return tls ? std::clamp(cores / 2, 1, 8) : std::clamp(cores / 4, 1, 4);
}

}  // namespace s3
