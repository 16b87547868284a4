// A value that all threads read all the time and that seldom changes.
#pragma once

#include <atomic>
#include <deque>
#include <utility>

namespace s3 {

// Reading takes no lock. All versions are kept, so that what was read stays valid for as long as this lives:
// for what changes a few times in a run.
template <typename T>
class ReadMostly {
 public:
  explicit ReadMostly(T first) { Publish(std::move(first)); }

  // Never null. Any thread.
  const T* Current() const { return current_.load(std::memory_order_acquire); }
  // One caller at a time.
  const T* Publish(T next) {
    const T* const published = &versions_.emplace_back(std::move(next));
    current_.store(published, std::memory_order_release);
    return published;
  }

 private:
  std::deque<T> versions_;
  std::atomic<const T*> current_ = nullptr;
};

}  // namespace s3
