#include "pipeline/run/input_estimate.h"

#include <sys/resource.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "s3/base/mutex.h"

namespace pipeline {

// Shared by the session and the thread, so that either may end first.
struct InputEstimate::State {
  State(CountInputs counting, Work done, Progress* target)
      : count(std::move(counting)), done_before(done), progress(target) {}

  bool MustStop() {
    const s3::MutexLock lock(mutex);
    return IsOver();
  }
  bool IsOver() const S3_REQUIRES(mutex) { return progress == nullptr || progress->all_found; }

  void Run(std::chrono::milliseconds delay) noexcept {
    {
      s3::MutexLock lock(mutex);
      session_ended.WaitFor(lock, delay, [this]() S3_REQUIRES(mutex) { return progress == nullptr; });
    }
    // SCHED_IDLE is not used: such a thread may never run. If it holds a lock of malloc, uploads wait.
    (void)setpriority(PRIO_PROCESS, 0, 10);  // on Linux, of the calling thread; setpriority(2)
    try {
      if (!MustStop()) Publish(count([this] { return MustStop(); }));
    } catch (const std::exception&) {
      // Usually this is std::bad_alloc. The session continues without an estimate.
    }
  }

  void Publish(const std::optional<Work>& all) {
    const s3::MutexLock lock(mutex);
    if (!all || IsOver()) return;
    progress->expected_bytes = all->bytes - std::min(all->bytes, done_before.bytes);
    progress->expected = all->inputs - std::min(all->inputs, done_before.inputs);
  }

  const CountInputs count;
  const Work done_before;
  s3::Mutex mutex;
  s3::CondVar session_ended;
  Progress* progress S3_GUARDED_BY(mutex);  // null when the session has ended
};

InputEstimate::InputEstimate(CountInputs count, Work done_before, Progress* progress,
                             std::chrono::milliseconds delay)
    : state_(std::make_shared<State>(std::move(count), done_before, progress)) {
  try {
    std::thread([state = state_, delay] { state->Run(delay); }).detach();
  } catch (const std::system_error&) {
    // The system allows no more threads. The session continues without an estimate.
  }
}

InputEstimate::~InputEstimate() {
  const s3::MutexLock lock(state_->mutex);
  state_->progress = nullptr;
  state_->session_ended.NotifyAll();
}

}  // namespace pipeline
