// Several endpoints of one store: which of them takes the next request. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace s3 {

class EndpointPool {
 public:
  using Clock = std::chrono::steady_clock;
  struct Lease {
    std::size_t index = 0;
    Clock::time_point since{};
  };

  // `names` are for notices. `notice` is told, in one line, when an endpoint is left alone and when it is
  // back; it must not wait. `now` is the clock.
  EndpointPool(std::vector<std::string> names, std::function<void(std::string_view)> notice,
               std::function<Clock::time_point()> now = Clock::now);

  // The endpoint with the fewest requests in flight of those that work. One that failed is left alone for
  // a while, then tried with a single request; when all have failed, the one whose time comes first. The only
  // one there is takes every request, without a lock.
  Lease Take();
  // To be called once for each Take. `worked`: the endpoint answered, whatever it said of the request.
  void Give(const Lease& lease, bool worked);

  // A single failure may be the request's; two in a row are the endpoint's.
  static constexpr int kFailuresToLeave = 2;
  static constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{30};

 private:
  struct State {
    int in_flight = 0;
    int failures = 0;                // one after the other
    Clock::time_point left_since{};  // failures of requests from before say nothing new
    Clock::time_point again_at{};
    int pauses = 0;  // 0: it works
    bool probing = false;
  };
  bool is_one() const { return states_.size() == 1; }
  bool MayTake(const State& state, Clock::time_point now) const;
  std::string Learn(const Lease& lease, bool worked);

  const std::vector<std::string> names_;
  const std::function<void(std::string_view)> notice_;
  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  std::vector<State> states_;
  std::size_t last_ = 0;
};

}  // namespace s3
