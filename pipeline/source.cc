#include "pipeline/source.h"

#include <functional>

namespace pipeline {

Source::Source(Walk walk, std::stop_token stop, Progress* progress)
    : walk_(std::move(walk)), stop_(std::move(stop)), progress_(progress) {
  thread_ = std::thread([this] {
    try {
      WalkAhead();
    } catch (const std::exception&) {
      // Out of memory, say. The source ends without being exhausted, which no run takes for success.
      std::unique_lock lock(mutex_);
      quit_ = true;
      WakeConsumer(std::move(lock));
    }
  });
  on_stop_.emplace(stop_, [this] {
    std::unique_lock lock(mutex_);
    quit_ = true;
    space_.notify_all();
    WakeConsumer(std::move(lock));
  });
}

Source::~Source() {
  on_stop_.reset();
  {
    std::lock_guard lock(mutex_);
    quit_ = true;
    space_.notify_all();
  }
  thread_.join();
}

std::optional<SourceItem> Source::Next(s3::Waiter* waiter) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (quit_) return std::nullopt;
      if (!ahead_.empty()) {
        auto item = std::move(ahead_.front());
        ahead_.pop_front();
        // Half a look-ahead at a time: the walk is not woken for every entry.
        if (ahead_.size() == kLookAhead / 2) space_.notify_one();
        return item;
      }
      if (walked_) return std::nullopt;
    }
    waiter->Wait([this](s3::Wake wake) {
      std::unique_lock lock(mutex_);
      if (quit_ || walked_ || !ahead_.empty()) {
        lock.unlock();
        wake();
      } else {
        consumer_ = wake;
      }
    });
  }
}

bool Source::exhausted() const {
  std::lock_guard lock(mutex_);
  return walked_ && ahead_.empty();
}

void Source::WakeConsumer(std::unique_lock<std::mutex> lock) {
  const auto consumer = std::exchange(consumer_, std::nullopt);
  lock.unlock();
  if (consumer) (*consumer)();
}

void Source::WalkAhead() {
  for (;;) {
    auto item = walk_.Next();
    std::unique_lock lock(mutex_);
    if (item && ahead_.size() >= kLookAhead) {
      space_.wait(lock, [this] { return quit_ || ahead_.size() <= kLookAhead / 2; });
    }
    if (quit_) return;
    if (item) {
      ahead_.push_back(std::move(*item));
      ++progress_->found;
    } else {
      walked_ = true;
      progress_->all_found = true;
    }
    const bool ended = walked_;
    WakeConsumer(std::move(lock));
    if (ended) return;
  }
}

}  // namespace pipeline
