// The memory that bodies of requests are held in: one budget for all of them. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "s3/base/waiter.h"

namespace pipeline {

class BufferPool;

// Owns bytes of a pool and gives them back. Must not outlive the pool.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  // As many bytes as were asked for; not initialised.
  std::span<char> bytes() const { return {data_, size_}; }

 private:
  friend class BufferPool;
  Buffer(BufferPool* pool, char* data, std::size_t size) : pool_(pool), data_(data), size_(size) {}

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Buffers are rounded up to classes (at most a quarter more), pooled by class and reused; what lies
// idle counts against the budget, too, and is freed when another class needs it.
class BufferPool {
 public:
  explicit BufferPool(std::uint64_t budget_bytes) : budget_(budget_bytes) {}
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Waits until the budget has room; first come, first served. Precondition: bytes is at most
  // LargestRequest(budget). Throws std::bad_alloc when the system has no memory.
  Buffer Take(std::size_t bytes, s3::Waiter* waiter);

  // The most bytes that were in use and idle together, ever.
  std::uint64_t peak_bytes() const;

  // The most that one Take can ask of such a budget: rounding up must not exceed it.
  static std::uint64_t LargestRequest(std::uint64_t budget_bytes);

 private:
  friend class Buffer;
  struct Request {
    std::size_t class_bytes;
    s3::Wake wake;
  };

  bool HasRoom(std::size_t class_bytes) const;
  char* TakeIdle(std::size_t class_bytes);
  char* Obtain(std::size_t class_bytes);
  void Return(char* data, std::size_t size);
  void GiveUpReservation(std::size_t class_bytes);
  void GrantWaiting(std::unique_lock<std::mutex> lock);
  static std::size_t ClassOf(std::size_t bytes);

  const std::uint64_t budget_;
  mutable std::mutex mutex_;
  std::uint64_t in_use_ = 0;  // reserved for those who were granted
  std::uint64_t idle_bytes_ = 0;
  std::uint64_t peak_ = 0;
  std::map<std::size_t, std::vector<char*>> idle_;  // by class
  std::deque<Request> waiting_;
};

}  // namespace pipeline
