// Memory for the bodies of requests: one budget for all requests in flight. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "s3/base/mutex.h"
#include "s3/base/waiter.h"

namespace pipeline {

class BufferPool;

// Owns bytes of a pool and returns them when destroyed. Must not outlive the pool.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  // The bytes of this buffer: as many as were asked of Take(). Take() does not initialise them.
  std::span<char> bytes() const { return {data_, size_}; }

 private:
  friend class BufferPool;
  Buffer(BufferPool* pool, char* data, std::size_t size) : pool_(pool), data_(data), size_(size) {}

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Rounds buffers up to size classes (at most a quarter more), and keeps idle buffers of each class for reuse.
// Idle buffers count against the budget, too, and are freed when another class needs the memory.
//
//   BufferPool pool(limits.memory_bytes);
//   const Buffer buffer = pool.Take(part_bytes, waiter);  // suspends the task until the budget has room
//   Read(file, buffer.bytes());
class BufferPool {
 public:
  explicit BufferPool(std::uint64_t budget_bytes) : budget_(budget_bytes) {}
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Waits in `waiter` until the budget has room; first come, first served. Precondition: `bytes` is at most
  // LargestRequest(budget). Throws std::bad_alloc when the system has no memory. A task that has a buffer
  // must not wait for another one: this rule prevents a deadlock.
  Buffer Take(std::size_t bytes, s3::Waiter* waiter);

  // Returns the peak so far of all bytes, in use and idle.
  std::uint64_t peak_bytes() const;

  // Returns the largest size that Take() accepts with this budget. Rounded up to its size class, it still
  // fits.
  static std::uint64_t LargestRequest(std::uint64_t budget_bytes);

 private:
  friend class Buffer;
  struct Request {
    std::size_t class_bytes;
    s3::Wake wake;
  };

  bool HasRoom(std::size_t class_bytes) const S3_REQUIRES(mutex_);
  char* TakeIdle(std::size_t class_bytes) S3_REQUIRES(mutex_);
  char* Allocate(std::size_t class_bytes);
  void Return(char* data, std::size_t size);
  void CancelReservation(std::size_t class_bytes);
  void GrantWaiting(s3::MutexLock lock);
  static std::size_t ClassOf(std::size_t bytes);

  const std::uint64_t budget_;
  mutable s3::Mutex mutex_;
  // Sum of all granted requests, even before their memory is mapped.
  std::uint64_t in_use_ S3_GUARDED_BY(mutex_) = 0;
  std::uint64_t idle_bytes_ S3_GUARDED_BY(mutex_) = 0;
  std::uint64_t peak_ S3_GUARDED_BY(mutex_) = 0;
  std::map<std::size_t, std::vector<char*>> idle_ S3_GUARDED_BY(mutex_);  // by class
  std::deque<Request> waiting_ S3_GUARDED_BY(mutex_);
};

}  // namespace pipeline
