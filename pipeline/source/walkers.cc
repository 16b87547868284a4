#include "pipeline/source/walkers.h"

#include <atomic>
#include <exception>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "s3/base/mutex.h"

namespace pipeline {
namespace {

// The threads that walk parts of one walk.
class Team {
 public:
  explicit Team(const Yield& yield) : yield_(yield) {}

  bool Run(Walk walk) S3_NO_THREAD_SAFETY_ANALYSIS {  // after Work(), no thread adds helpers
    Work(std::move(walk));
    for (auto& helper : helpers_) helper.join();
    if (failure_) std::rethrow_exception(failure_);
    return !ended_;
  }

 private:
  // Walks `part`, if any, and then parts that other threads have split off, until all parts are walked.
  void Work(std::optional<Walk> part) noexcept {
    try {
      if (!part) part = NextPart(false);
      for (; part; part = NextPart(true)) WalkPart(&*part);
    } catch (...) {
      const s3::MutexLock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      End();
    }
  }

  void WalkPart(Walk* part) {
    auto pressure = Backpressure::kStarving;
    std::optional<Input> found;
    while (!ended_ && part->Step(&found)) {
      if (found) pressure = yield_(*std::exchange(found, std::nullopt));
      if (pressure == Backpressure::kStop) {
        const s3::MutexLock lock(mutex_);
        return End();
      }
      if (pressure == Backpressure::kStarving && parts_ < part->threads()) Divide(part);
    }
    if (part->interrupted()) {
      const s3::MutexLock lock(mutex_);
      End();
    }
  }

  void Divide(Walk* part) {
    {
      const s3::MutexLock lock(mutex_);
      if (parts_ >= part->threads()) return;
      ++parts_;
    }
    auto other = part->Split();  // without the lock, because it may read the directory
    const s3::MutexLock lock(mutex_);
    if (!other || ended_) {
      --parts_;
      return;
    }
    offered_.push_back(std::move(*other));
    if (offered_.size() <= waiting_) return wake_.NotifyOne();
    try {
      helpers_.emplace_back([this] { Work(std::nullopt); });
    } catch (const std::system_error&) {
      // The system starts no more threads. The next thread that finishes its part will walk this part.
    }
  }

  // Waits until a part is offered, and returns it. Returns nothing when all parts are walked or the walk was
  // ended early. `one_is_finished`: the calling thread has just finished a part.
  std::optional<Walk> NextPart(bool one_is_finished) {
    s3::MutexLock lock(mutex_);
    if (one_is_finished && --parts_ == 0) wake_.NotifyAll();
    ++waiting_;
    wake_.Wait(lock, [this]() S3_REQUIRES(mutex_) { return ended_ || parts_ == 0 || !offered_.empty(); });
    --waiting_;
    if (ended_ || offered_.empty()) return std::nullopt;
    auto part = std::move(offered_.back());
    offered_.pop_back();
    return part;
  }

  // The caller must hold the lock.
  void End() S3_REQUIRES(mutex_) {
    ended_ = true;
    wake_.NotifyAll();
  }

  const Yield& yield_;
  s3::Mutex mutex_;  // guards the members below; parts_ and ended_ may be read without the lock
  s3::CondVar wake_;
  std::vector<Walk> offered_ S3_GUARDED_BY(mutex_);
  std::vector<std::thread> helpers_ S3_GUARDED_BY(mutex_);
  std::size_t waiting_ S3_GUARDED_BY(mutex_) = 0;
  std::atomic<int> parts_{1};  // parts that are walked, offered, or being split off
  std::atomic<bool> ended_{false};
  std::exception_ptr failure_ S3_GUARDED_BY(mutex_);
};

}  // namespace

bool WalkInThreads(Walk walk, const Yield& yield) { return Team(yield).Run(std::move(walk)); }

Finder FinderOf(Walk walk) {
  return [walk = std::make_shared<Walk>(std::move(walk))](const Yield& yield) {
    return WalkInThreads(std::move(*walk), yield);
  };
}

}  // namespace pipeline
