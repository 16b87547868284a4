#include "pipeline/runtime/deadlines.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace pipeline {

Deadlines::Deadlines(const LimitOptions& limits, std::optional<std::int64_t> job_end_s, StopControl* stop)
    : limits_(limits), stop_(stop) {
  if (limits.time.count() > 0) {
    end_ = Clock::now() + limits.time;
    reason_ = "limits.time is over";
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
    std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
}

Deadlines::~Deadlines() {
  on_drain_.reset();
  {
    std::lock_guard lock(mutex_);
    quit_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Deadlines::Watch() {
  const auto draining = [this] { return stop_->drain_token().stop_requested(); };
  std::unique_lock lock(mutex_);
  const auto woken = [&] { return quit_ || draining(); };
  if (end_) {
    changed_.wait_until(lock, *end_, woken);
  } else {
    changed_.wait(lock, woken);
  }
  if (quit_) return;
  if (!draining()) {
    lock.unlock();
    stop_->Drain(StopCause::kTimeLimit, reason_);
    lock.lock();
  }
  changed_.wait_for(lock, limits_.drain, [this] { return quit_; });
  if (!quit_) stop_->Abort();
}

std::optional<std::int64_t> SlurmJobEnd(const s3::Environment& environment, std::int64_t now_s,
                                        const std::function<void(std::string_view)>& note) {
  constexpr std::int64_t kLongestJobS = 10ll * 365 * 24 * 3600;
  const auto text = environment("SLURM_JOB_END_TIME").value_or("");
  if (text.empty()) return std::nullopt;
  std::int64_t seconds = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  const bool is_number = error == std::errc() && rest == end;
  if (is_number && seconds > now_s && seconds - now_s <= kLongestJobS) return seconds;
  const auto* const problem = !is_number         ? "is no time in seconds since 1970"
                              : seconds <= now_s ? "has passed"
                                                 : "is more than 10 years away";
  note(
      fmt::format("SLURM_JOB_END_TIME={} {}: it is ignored; set limits.time to end a run before its job ends",
                  text, problem));
  return std::nullopt;
}

std::optional<std::int64_t> SlurmJobEnd(const std::function<void(std::string_view)>& note) {
  return SlurmJobEnd(s3::ProcessEnvironment(), std::time(nullptr), note);
}

}  // namespace pipeline
