// When a run has to end: drains it at its time limit, and aborts it when the drain takes too long.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "pipeline/options.h"
#include "pipeline/stop.h"
#include "s3/base/environment.h"

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

// When the Slurm job ends, seconds since 1970, by SLURM_JOB_END_TIME (Slurm 22.05 and later); nothing outside
// of one. A time that cannot be right counts as none, and `note` is told: one that has passed was set by
// another job whose environment came along, and would end each requeued run before its first upload.
std::optional<std::int64_t> SlurmJobEnd(const s3::Environment& environment, std::int64_t now_s,
                                        const std::function<void(std::string_view)>& note);
// Reads the variable from this process's environment and compares it with the clock.
std::optional<std::int64_t> SlurmJobEnd(const std::function<void(std::string_view)>& note);

}  // namespace pipeline
