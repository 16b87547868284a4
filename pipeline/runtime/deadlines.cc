#include "pipeline/runtime/deadlines.h"

namespace pipeline {

Deadlines::Deadlines(const LimitOptions& limits, std::optional<std::int64_t> job_end_s, StopControl* stop)
    : limits_(limits), stop_(stop) {
  if (limits.time.count() > 0) {
    end_ = Clock::now() + limits.time;
    reason_ = "the run has reached limits.time";
  }
  if (job_end_s) {
    const auto job_end = Clock::time_point(std::chrono::seconds(*job_end_s)) - limits.margin;
    if (!end_ || job_end < *end_) {
      end_ = job_end;
      reason_ = "the Slurm job ends soon";
    }
  }
  thread_ = std::thread([this] { Watch(); });
  on_drain_.emplace(stop->drain_token(), [this] {
    const s3::MutexLock lock(mutex_);
    changed_.NotifyAll();
  });
}

Deadlines::~Deadlines() {
  on_drain_.reset();
  {
    const s3::MutexLock lock(mutex_);
    quit_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Deadlines::Watch() {
  const auto draining = [this] { return stop_->drain_token().stop_requested(); };
  s3::MutexLock lock(mutex_);
  const auto woken = [&]() S3_REQUIRES(mutex_) { return quit_ || draining(); };
  if (end_) {
    changed_.WaitUntil(lock, *end_, woken);
  } else {
    changed_.Wait(lock, woken);
  }
  if (quit_) return;
  if (!draining()) {
    lock.unlock();
    stop_->Drain(StopCause::kTimeLimit, reason_);
    lock.lock();
  }
  changed_.WaitFor(lock, limits_.drain, [this]() S3_REQUIRES(mutex_) { return quit_; });
  if (!quit_) stop_->Abort();
}

}  // namespace pipeline
