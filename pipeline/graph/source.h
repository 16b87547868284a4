// The source of the graph. Turns the inputs of a walk, a plan or streams into tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "pipeline/graph/source_queue.h"
#include "pipeline/journal/history.h"
#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "pipeline/report/summary.h"
#include "pipeline/source/stream.h"
#include "pipeline/source/walkers.h"
#include "pipeline/upload/object.h"
#include "s3/base/mutex.h"
#include "s3/base/waiter.h"
#include "s3/part_plan.h"

namespace pipeline {

// Runs the walk in threads of its own, at most kLookAhead inputs ahead of Next().
class Source {
 public:
  // Starts `find` in a thread. Counts and leaves out inputs that `history` knows as done. Counts the found
  // inputs in `progress`. Owns neither `history` nor `progress`.
  Source(Finder find, std::vector<std::shared_ptr<Object>> streams, const UploadOptions& options,
         std::stop_token stop, const History* history, Progress* progress);
  ~Source();

  // Returns the next task or result; the tasks of a file come one after the other. Waits in `waiter` until
  // one is ready. Returns nothing when every input has its result, or when the run was stopped and every
  // input that was begun has its result. All later calls then return nothing, too. One caller at a time.
  std::optional<SourceItem> Next(s3::Waiter* waiter);

  // Thread-safe. Call it exactly once for each input that Next() returned, when the input has its result.
  void InputDone();
  // Thread-safe. Hands the object out again, from its first task on. Its parts are then planned for the
  // present size of the file.
  void Requeue(const Object& object);
  // Thread-safe. Hands out the task for part `number`, which can now be read from the stream.
  void StreamReady(std::shared_ptr<Object> stream, int number);

  // Returns how many inputs were handed out; each counts once.
  std::uint64_t found() const;
  // True when every input was handed out. False after an early stop.
  bool exhausted() const;
  // Returns the totals of the inputs that were left out, because earlier sessions have done them and they
  // have not changed.
  Summary done_before() const;

  static constexpr std::size_t kLookAhead = 1024;

 private:
  void WalkAhead();
  Backpressure Take(Input input);
  bool LeaveOutIfDone(const InputFile& file);
  void WaitForWork(s3::Waiter* waiter);
  void StopAndWake(s3::MutexLock lock);
  void WakeConsumer(s3::MutexLock lock);
  SourceQueue::Entry PopAndMakeRoom() S3_REQUIRES(mutex_);
  SourceItem ItemOf(SourceQueue::Entry entry);
  SourceItem Begin(std::shared_ptr<const InputFile> file, const Object* before);
  s3::Result<s3::PartPlan> PlanOf(const InputFile& file) const;

  const Finder find_;
  const UploadOptions options_;
  const std::stop_token stop_;
  const History* const history_;
  Progress* const progress_;
  std::optional<UploadTask> next_part_;  // of the file that is being handed out; used by Next alone

  mutable s3::Mutex mutex_;  // guards what follows
  SourceQueue queue_ S3_GUARDED_BY(mutex_);
  Summary done_before_ S3_GUARDED_BY(mutex_);
  std::optional<s3::Wake> consumer_ S3_GUARDED_BY(mutex_);  // set while Next waits

  s3::CondVar has_room_;
  std::thread thread_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace pipeline
