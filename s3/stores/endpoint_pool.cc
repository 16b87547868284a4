#include "s3/stores/endpoint_pool.h"

#include <fmt/format.h>

#include <algorithm>

namespace s3 {

EndpointPool::EndpointPool(std::vector<std::string> names, std::function<void(std::string_view)> notice,
                           std::function<Clock::time_point()> now)
    : names_(std::move(names)), notice_(std::move(notice)), now_(std::move(now)), states_(names_.size()) {}

bool EndpointPool::MayTake(const State& state, Clock::time_point now) const {
  return state.pauses == 0 || (!state.is_on_trial && now >= state.retry_at);
}

EndpointPool::Lease EndpointPool::Take() {
  if (names_.size() == 1) return {nullptr, 0, {}};
  const auto now = now_();
  const MutexLock lock(mutex_);
  const auto index = Choose(now);
  auto& state = states_[index];
  if (state.pauses > 0) state.is_on_trial = true;
  ++state.in_flight;
  last_ = index;
  return {this, index, now};
}

std::size_t EndpointPool::Choose(Clock::time_point now) const {
  const auto none = states_.size();
  auto best = none;
  // Starts after the last used endpoint, so that equally busy endpoints take turns.
  for (std::size_t i = 1; i <= states_.size(); ++i) {
    const auto index = (last_ + i) % states_.size();
    const auto& state = states_[index];
    if (!MayTake(state, now)) continue;
    // The pause of this endpoint is over. The trial has priority, because this endpoint might never be the
    // least busy one.
    if (state.pauses > 0) return index;
    if (best == none || state.in_flight < states_[best].in_flight) best = index;
  }
  if (best != none) return best;
  const auto first_due = std::min_element(
      states_.begin(), states_.end(), [](const State& a, const State& b) { return a.retry_at < b.retry_at; });
  return static_cast<std::size_t>(first_due - states_.begin());
}

void EndpointPool::Return(std::size_t index) {
  const MutexLock lock(mutex_);
  --states_[index].in_flight;
  states_[index].is_on_trial = false;
}

void EndpointPool::ReturnAndLearn(std::size_t index, Clock::time_point since, bool worked) {
  std::string notice;
  {
    const MutexLock lock(mutex_);
    --states_[index].in_flight;
    notice = Learn(index, since, worked);
  }
  if (!notice.empty() && notice_) notice_(notice);
}

// Returns the notice; empty for none.
std::string EndpointPool::Learn(std::size_t index, Clock::time_point since, bool worked) {
  auto& state = states_[index];
  const auto& name = names_[index];
  if (worked) {
    const bool was_paused = state.pauses > 0;
    state.failures = state.pauses = 0;
    state.is_on_trial = false;
    return was_paused ? fmt::format("endpoint {} works again", name) : "";
  }
  if (since < state.paused_at) return "";
  if (++state.failures < kFailuresToPause && state.pauses == 0) return "";
  const auto pause = kFirstPause * (1 << std::min(state.pauses, 10));
  state.paused_at = now_();
  state.retry_at = state.paused_at + std::min(pause, kMaxPause);
  state.is_on_trial = false;
  return state.pauses++ == 0 ? fmt::format("endpoint {} fails: it gets no requests for a while", name) : "";
}

}  // namespace s3
