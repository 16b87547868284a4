// Chooses which of a store's endpoints takes the next request. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/base/mutex.h"

namespace s3 {

class EndpointPool {
 public:
  using Clock = std::chrono::steady_clock;

  // One request in flight at one endpoint. A lease that is destroyed before Release() says nothing about its
  // endpoint. Must not outlive the pool.
  class [[nodiscard]] Lease {
   public:
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), index_(other.index_), since_(other.since_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->Return(index_);
    }

    std::size_t index() const { return index_; }
    // Call at most once. `worked`: the endpoint responded, whatever it said about the request.
    void Release(bool worked) {
      if (pool_ != nullptr) std::exchange(pool_, nullptr)->ReturnAndLearn(index_, since_, worked);
    }

   private:
    friend class EndpointPool;
    Lease(EndpointPool* pool, std::size_t index, Clock::time_point since)
        : pool_(pool), index_(index), since_(since) {}

    EndpointPool* pool_;  // null once released, and for the only endpoint
    std::size_t index_;
    Clock::time_point since_;
  };

  // `names` appear in notices. `notice` receives one line when an endpoint is paused and when it works again;
  // it must not wait. `now` is the clock.
  EndpointPool(std::vector<std::string> names, std::function<void(std::string_view)> notice,
               std::function<Clock::time_point()> now = Clock::now);

  // Returns the working endpoint with the fewest requests in flight. An endpoint that failed is paused, then
  // tried with a single request. When all have failed, returns the one whose pause ends first. The only
  // endpoint of a pool takes every request, without a lock.
  Lease Take();

  // A single failure may be the request's fault; two in a row are the endpoint's.
  static constexpr int kFailuresToPause = 2;
  // The pause doubles from one failed trial to the next.
  static constexpr std::chrono::seconds kFirstPause{1}, kMaxPause{30};

 private:
  struct State {
    int in_flight = 0;
    int failures = 0;  // in a row
    int pauses = 0;    // in a row; 0: it works
    bool is_on_trial = false;
    Clock::time_point paused_at{};  // failures of requests from before say nothing new
    Clock::time_point retry_at{};
  };
  bool MayTake(const State& state, Clock::time_point now) const;
  std::size_t Choose(Clock::time_point now) const S3_REQUIRES(mutex_);
  void Return(std::size_t index);
  void ReturnAndLearn(std::size_t index, Clock::time_point since, bool worked);
  std::string Learn(std::size_t index, Clock::time_point since, bool worked) S3_REQUIRES(mutex_);

  const std::vector<std::string> names_;
  const std::function<void(std::string_view)> notice_;
  const std::function<Clock::time_point()> now_;
  Mutex mutex_;
  std::vector<State> states_ S3_GUARDED_BY(mutex_);
  std::size_t last_ S3_GUARDED_BY(mutex_) = 0;  // the endpoint that took the last request
};

}  // namespace s3
