// A mutex, a lock and a condition variable whose use Clang checks (-Wthread-safety, in tests/run --lint).
// They wrap the standard classes and add Clang's attributes:
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
//
//   Mutex mutex_;
//   int count_ S3_GUARDED_BY(mutex_) = 0;
//   void Add() { MutexLock lock(mutex_); ++count_; }
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#ifdef __clang__
#define S3_THREAD_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define S3_THREAD_ATTRIBUTE(attribute)
#endif

// Marks a member that is read and written only while `mutex` is held.
#define S3_GUARDED_BY(mutex) S3_THREAD_ATTRIBUTE(guarded_by(mutex))
// Marks a function whose caller must hold `mutex`.
#define S3_REQUIRES(mutex) S3_THREAD_ATTRIBUTE(requires_capability(mutex))
// Switches the check off for one function. Use it if the function receives its caller's lock, which the
// analysis cannot follow, or if no other thread uses the guarded members at that time. Write the reason
// beside each use.
#define S3_NO_THREAD_SAFETY_ANALYSIS S3_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace s3 {

class S3_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() S3_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() S3_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  bool try_lock() S3_THREAD_ATTRIBUTE(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Locks the mutex on construction, and unlocks it on destruction if it is still locked. Can be moved, like
// std::unique_lock.
class S3_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) S3_THREAD_ATTRIBUTE(acquire_capability(mutex)) : lock_(mutex.mutex_) {}
  // Takes over a mutex that the caller has locked, for example with try_lock().
  MutexLock(Mutex& mutex, std::adopt_lock_t adopt) S3_THREAD_ATTRIBUTE(requires_capability(mutex))
      : lock_(mutex.mutex_, adopt) {}
  ~MutexLock() S3_THREAD_ATTRIBUTE(release_capability()) {}
  MutexLock(MutexLock&&) noexcept = default;
  MutexLock& operator=(MutexLock&&) noexcept = default;

  void lock() S3_THREAD_ATTRIBUTE(acquire_capability()) { lock_.lock(); }
  void unlock() S3_THREAD_ATTRIBUTE(release_capability()) { lock_.unlock(); }

 private:
  friend class CondVar;
  std::unique_lock<std::mutex> lock_;
};

// A condition variable for MutexLock. If a predicate reads guarded members, make it a lambda with
// S3_REQUIRES(mutex).
class CondVar {
 public:
  template <typename Predicate>
  void Wait(MutexLock& lock, Predicate predicate) {
    condition_.wait(lock.lock_, std::move(predicate));
  }
  // Returns false if the predicate is still false at the deadline.
  template <typename Deadline, typename Predicate>
  bool WaitUntil(MutexLock& lock, Deadline deadline, Predicate predicate) {
    return condition_.wait_until(lock.lock_, deadline, std::move(predicate));
  }
  template <typename Duration, typename Predicate>
  bool WaitFor(MutexLock& lock, Duration duration, Predicate predicate) {
    return condition_.wait_for(lock.lock_, duration, std::move(predicate));
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace s3
