// When a run has to end: drains it at its time limit, and aborts it when the drain takes too long.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "pipeline/options.h"
#include "pipeline/stop.h"

namespace pipeline {

class Deadlines {
 public:
  // `stop` is not owned. `job_end_s`: the end of the Slurm job, since 1970; nothing outside of one.
  Deadlines(const LimitOptions& limits, std::optional<std::int64_t> job_end_s, StopControl* stop);
  ~Deadlines();

 private:
  using Clock = std::chrono::system_clock;
  void Watch();

  const LimitOptions limits_;
  StopControl* const stop_;
  std::optional<Clock::time_point> end_;
  std::string reason_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quit_ = false;
  std::thread thread_;
  std::optional<std::stop_callback<std::function<void()>>> on_drain_;
};

// SLURM_JOB_END_TIME, as Slurm 22.05 and later set it; nothing when it is absent or no number.
std::optional<std::int64_t> SlurmJobEnd();

}  // namespace pipeline
