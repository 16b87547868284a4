#include "pipeline/upload/buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace pipeline {
namespace {

constexpr std::size_t kSmallestClass = 4096;
constexpr std::size_t kHugePage = 2 << 20;

// Maps memory with mmap instead of malloc, so that unmapping returns it to the system at once.
char* Map(std::size_t bytes) {
  void* const data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return nullptr;
  // Huge pages save thousands of page faults for each part. This is only advice, so errors don't matter. The
  // front keeps small pages, because a payload that is sent from its file touches only the front.
  if (bytes > kHugePage) {
    madvise(data, kHugePage, MADV_NOHUGEPAGE);
    madvise(static_cast<char*>(data) + kHugePage, bytes - kHugePage, MADV_HUGEPAGE);
  }
  return static_cast<char*>(data);
}

}  // namespace

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), data_(other.data_), size_(other.size_) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Buffer::~Buffer() {
  if (pool_ != nullptr) pool_->Return(data_, size_);
}

BufferPool::~BufferPool() {
  for (const auto& [class_bytes, buffers] : idle_) {
    for (char* const data : buffers) munmap(data, class_bytes);
  }
}

// Four classes from each power of two to the next, in whole pages.
std::size_t BufferPool::ClassOf(std::size_t bytes) {
  const auto size = std::max(bytes, kSmallestClass);
  const auto step = std::max(std::bit_floor(size) / 4, kSmallestClass);
  return (size + step - 1) / step * step;
}

std::uint64_t BufferPool::LargestRequest(std::uint64_t budget_bytes) {
  const auto step = std::max<std::uint64_t>(std::bit_floor(budget_bytes) / 4, kSmallestClass);
  return budget_bytes / step * step;
}

bool BufferPool::HasRoom(std::size_t class_bytes) const { return in_use_ + class_bytes <= budget_; }

Buffer BufferPool::Take(std::size_t bytes, s3::Waiter* waiter) {
  const auto class_bytes = ClassOf(bytes);
  bool granted = false;
  char* data = nullptr;
  {
    const s3::MutexLock lock(mutex_);
    if (waiting_.empty() && HasRoom(class_bytes)) {
      in_use_ += class_bytes;
      granted = true;
      data = TakeIdle(class_bytes);
    }
  }
  if (data != nullptr) return {this, data, bytes};
  if (!granted) {
    waiter->Wait(s3::SlotState::kMemory, [&](s3::Wake wake) {
      s3::MutexLock lock(mutex_);
      waiting_.push_back({class_bytes, wake});
      GrantWaiting(std::move(lock));  // the request may fit now
    });
  }
  data = Allocate(class_bytes);
  if (data == nullptr) {
    CancelReservation(class_bytes);
    throw std::bad_alloc();
  }
  return {this, data, bytes};
}

char* BufferPool::TakeIdle(std::size_t class_bytes) {
  const auto same = idle_.find(class_bytes);
  if (same == idle_.end() || same->second.empty()) return nullptr;
  char* const data = same->second.back();
  same->second.pop_back();
  idle_bytes_ -= class_bytes;
  return data;
}

// Returns memory for a reservation that is already counted; null if the system has no memory. Takes an idle
// buffer of the class. If no buffer is idle, unmaps idle buffers of other classes until the budget has room,
// and maps a new one.
char* BufferPool::Allocate(std::size_t class_bytes) {
  std::vector<std::pair<char*, std::size_t>> freed;
  {
    const s3::MutexLock lock(mutex_);
    if (char* const data = TakeIdle(class_bytes); data != nullptr) return data;
    for (auto other = idle_.rbegin(); other != idle_.rend() && in_use_ + idle_bytes_ > budget_; ++other) {
      while (!other->second.empty() && in_use_ + idle_bytes_ > budget_) {
        freed.emplace_back(other->second.back(), other->first);
        other->second.pop_back();
        idle_bytes_ -= other->first;
      }
    }
    peak_ = std::max(peak_, in_use_ + idle_bytes_);
  }
  for (const auto& [data, size] : freed) munmap(data, size);
  return Map(class_bytes);
}

void BufferPool::Return(char* data, std::size_t size) {
  const auto class_bytes = ClassOf(size);
  s3::MutexLock lock(mutex_);
  in_use_ -= class_bytes;
  idle_bytes_ += class_bytes;
  idle_[class_bytes].push_back(data);
  GrantWaiting(std::move(lock));
}

void BufferPool::CancelReservation(std::size_t class_bytes) {
  s3::MutexLock lock(mutex_);
  in_use_ -= class_bytes;
  GrantWaiting(std::move(lock));
}

void BufferPool::GrantWaiting(s3::MutexLock lock) S3_NO_THREAD_SAFETY_ANALYSIS {  // releases the lock
  std::vector<s3::Wake> granted;
  while (!waiting_.empty() && HasRoom(waiting_.front().class_bytes)) {
    in_use_ += waiting_.front().class_bytes;
    granted.push_back(waiting_.front().wake);
    waiting_.pop_front();
  }
  lock.unlock();
  for (const auto& wake : granted) wake();
}

std::uint64_t BufferPool::peak_bytes() const {
  const s3::MutexLock lock(mutex_);
  return peak_;
}

}  // namespace pipeline
