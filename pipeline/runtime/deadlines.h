// Ends a run in time: drains it at its time limit, and aborts it if the drain takes too long.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "pipeline/options.h"
#include "pipeline/stop.h"
#include "s3/base/mutex.h"

namespace pipeline {

// Runs in a thread of its own, from the constructor to the destructor.
class Deadlines {
 public:
  // Drains the run after `limits.time`, or at `limits.margin` before `job_end_s`, whichever is earlier.
  // `job_end_s` is the end of the Slurm job, in seconds since 1970. Aborts the run `limits.drain` after a
  // drain began, whatever its cause. `stop` is not owned and must outlive this object.
  Deadlines(const LimitOptions& limits, std::optional<std::int64_t> job_end_s, StopControl* stop);
  ~Deadlines();

 private:
  using Clock = std::chrono::system_clock;
  void Watch();

  const LimitOptions limits_;
  StopControl* const stop_;
  std::optional<Clock::time_point> end_;
  std::string reason_;  // the message of the drain at `end_`
  s3::Mutex mutex_;
  s3::CondVar changed_;
  bool quit_ S3_GUARDED_BY(mutex_) = false;
  std::thread thread_;
  std::optional<std::stop_callback<std::function<void()>>> on_drain_;
};

}  // namespace pipeline
