// Chooses one of a store's endpoints for each request. Thread-safe.
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

  // One request in flight at one endpoint. If a lease is destroyed before Release(), the pool learns nothing
  // about the endpoint. A lease must not outlive the pool.
  class [[nodiscard]] Lease {
   public:
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), index_(other.index_), since_(other.since_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->Return(index_);
    }

    std::size_t index() const { return index_; }
    // Call it at most once. `worked` is true if the endpoint works, even if it refused the request.
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

  // `names` are the endpoints' names in notices. `notice` receives one line when an endpoint is paused, and
  // one when it works again; `notice` must not wait. `now` is the clock.
  EndpointPool(std::vector<std::string> names, std::function<void(std::string_view)> notice,
               std::function<Clock::time_point()> now = Clock::now);

  // Returns a lease of the working endpoint with the fewest requests in flight. After the pause of an
  // endpoint, a single request tries that endpoint. When all endpoints are paused, the lease is of the one
  // whose pause ends first. A pool with only one endpoint always returns that endpoint, without a lock.
  Lease Take();

  // This many failures in a row pause an endpoint. A single failure may be the request's fault.
  static constexpr int kFailuresToPause = 2;
  // The pause doubles after each failed trial.
  static constexpr std::chrono::seconds kFirstPause{1}, kMaxPause{30};

 private:
  struct State {
    int in_flight = 0;
    int failures = 0;  // in a row
    int pauses = 0;    // in a row; 0 if the endpoint works
    bool is_on_trial = false;
    Clock::time_point paused_at{};  // failures of requests sent before this time are ignored
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
