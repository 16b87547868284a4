// A value that all threads read often and that seldom changes.
#pragma once

#include <atomic>
#include <deque>
#include <utility>

namespace s3 {

// Readers take no lock. All versions are kept, so a reader's pointer stays valid until this object is
// destroyed. Therefore use ReadMostly only for values that change a few times in a run.
template <typename T>
class ReadMostly {
 public:
  explicit ReadMostly(T first) { Publish(std::move(first)); }

  // Returns the last published version, never null. Any thread.
  const T* Current() const { return current_.load(std::memory_order_acquire); }
  // Makes `next` the current version and returns it. Only one thread at a time may call it.
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
