// The inputs of a program on their way to the source. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "pipeline/node/translate.h"
#include "s3/base/mutex.h"

namespace pipeline {

// An input is open from Push() until Close().
class Inbox {
 public:
  void Push(Submission submission) {
    const s3::MutexLock lock(mutex_);
    waiting_.push_back(std::move(submission));
    ++open_;
    pushed_.NotifyOne();
  }
  // Blocks until there is an input. Returns nothing after End(), when no input waits. One caller at a time.
  std::optional<Submission> Pop() {
    s3::MutexLock lock(mutex_);
    pushed_.Wait(lock, [this]() S3_REQUIRES(mutex_) { return is_ended_ || !waiting_.empty(); });
    if (waiting_.empty()) return std::nullopt;
    auto submission = std::move(waiting_.front());
    waiting_.pop_front();
    return submission;
  }
  // No Push() follows.
  void End() {
    const s3::MutexLock lock(mutex_);
    is_ended_ = true;
    pushed_.NotifyOne();
  }

  // Call it when an input has its result.
  void Close() {
    const s3::MutexLock lock(mutex_);
    if (--open_ == 0) none_is_open_.NotifyAll();
  }
  void WaitUntilNoneIsOpen() const {
    s3::MutexLock lock(mutex_);
    none_is_open_.Wait(lock, [this]() S3_REQUIRES(mutex_) { return open_ == 0; });
  }
  std::uint64_t open() const {
    const s3::MutexLock lock(mutex_);
    return open_;
  }

 private:
  mutable s3::Mutex mutex_;
  s3::CondVar pushed_;
  mutable s3::CondVar none_is_open_;
  std::deque<Submission> waiting_ S3_GUARDED_BY(mutex_);
  std::uint64_t open_ S3_GUARDED_BY(mutex_) = 0;
  bool is_ended_ S3_GUARDED_BY(mutex_) = false;
};

}  // namespace pipeline
