#include "s3/stores/endpoint_pool.h"

#include <fmt/format.h>

#include <algorithm>

namespace s3 {

EndpointPool::EndpointPool(std::vector<std::string> names, std::function<void(std::string_view)> notice,
                           std::function<Clock::time_point()> now)
    : names_(std::move(names)), notice_(std::move(notice)), now_(std::move(now)), states_(names_.size()) {}

bool EndpointPool::MayTake(const State& state, Clock::time_point now) const {
  return state.pauses == 0 || (!state.probing && now >= state.again_at);
}

EndpointPool::Lease EndpointPool::Take() {
  if (is_one()) return {};
  const auto now = now_();
  std::lock_guard lock(mutex_);
  std::size_t best = states_.size();
  // Begins behind the last one, so that equals take turns.
  for (std::size_t i = 1; i <= states_.size(); ++i) {
    const auto index = (last_ + i) % states_.size();
    const auto& state = states_[index];
    if (!MayTake(state, now)) continue;
    if (state.pauses > 0) {  // its probe: at once, or it would never be the least busy one's turn
      best = index;
      break;
    }
    if (best == states_.size() || state.in_flight < states_[best].in_flight) best = index;
  }
  if (best == states_.size()) {
    best = static_cast<std::size_t>(
        std::min_element(states_.begin(), states_.end(),
                         [](const State& a, const State& b) { return a.again_at < b.again_at; }) -
        states_.begin());
  }
  auto& state = states_[best];
  if (state.pauses > 0) state.probing = true;
  ++state.in_flight;
  last_ = best;
  return {best, now};
}

void EndpointPool::Give(const Lease& lease, bool worked) {
  if (is_one()) return;
  std::string text;
  {
    std::lock_guard lock(mutex_);
    --states_[lease.index].in_flight;
    text = Learn(lease, worked);
  }
  if (!text.empty() && notice_) notice_(text);
}

std::string EndpointPool::Learn(const Lease& lease, bool worked) {
  auto& state = states_[lease.index];
  if (worked) {
    const bool was_left = state.pauses > 0;
    state.failures = state.pauses = 0;
    state.probing = false;
    return was_left ? fmt::format("endpoint {} works again", names_[lease.index]) : "";
  }
  if (lease.since < state.left_since) return "";
  if (++state.failures < kFailuresToLeave && state.pauses == 0) return "";
  const auto now = now_();
  state.left_since = now;
  state.again_at = now + std::min(kFirstPause * (1 << std::min(state.pauses, 10)), kLongestPause);
  state.probing = false;
  return state.pauses++ == 0 ? fmt::format("endpoint {} fails: left alone for a while", names_[lease.index])
                             : "";
}

}  // namespace s3
