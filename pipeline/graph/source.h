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

// Runs the walk in its own threads, at most kLookAhead inputs ahead of Next().
class Source {
 public:
  // Starts `find` in a thread. If an input is done according to `history`, counts it in done_before() and
  // leaves it out. Counts the other inputs in `progress`. Does not own `history` and `progress`.
  Source(Finder find, std::vector<std::shared_ptr<Object>> streams, const UploadOptions& options,
         std::stop_token stop, const History* history, Progress* progress);
  ~Source();

  // Returns the next task or result. Returns all tasks of a file one after the other. Waits in `waiter` until
  // a task or result is ready. Returns nothing when every input has its result; after a stop, when every
  // begun input has its result. All later calls return nothing, too. One caller at a time.
  std::optional<SourceItem> Next(s3::Waiter* waiter);

  // Thread-safe. Call it exactly once for each input that Next() returned, when the input has its result.
  void InputDone();
  // Thread-safe. Makes Next() return the object's tasks again, from the first task on, planned for the file's
  // present size.
  void Requeue(const Object& object);
  // Thread-safe. Makes Next() return the task for part `number`, which can now be read from the stream.
  void StreamReady(std::shared_ptr<Object> stream, int number);

  // Returns how many inputs Next() has begun, each counted once.
  std::uint64_t found() const;
  // Returns true if Next() has begun every input of the source. Returns false after an early stop.
  bool exhausted() const;
  // Returns the totals of the inputs that were left out, because earlier sessions have done these inputs and
  // they have not changed.
  Summary done_before() const;

  static constexpr std::size_t kLookAhead = 1024;

 private:
  void WalkAhead();
  Backpressure Take(Input input);
  bool LeaveOutIfDone(const InputFile& file);
  bool MayHaveMore() const;
  void WaitForWork(s3::Waiter* waiter);
  void StopAndWake(s3::MutexLock lock);
  void WakeConsumer(s3::MutexLock lock);
  SourceQueue::Entry PopAndMakeRoom() S3_REQUIRES(mutex_);
  SourceItem ItemOf(SourceQueue::Entry entry);
  SourceItem Begin(std::shared_ptr<const InputFile> file, const Object* before);
  SourceItem FirstTask(std::shared_ptr<const InputFile> file, const Object* before);
  s3::Result<s3::PartPlan> PlanOf(const InputFile& file) const;

  const Finder find_;
  const UploadOptions options_;
  const std::stop_token stop_;
  const History* const history_;
  Progress* const progress_;
  std::optional<UploadTask> next_part_;  // next task of the present file; only Next() uses it

  mutable s3::Mutex mutex_;  // guards queue_, done_before_ and consumer_
  SourceQueue queue_ S3_GUARDED_BY(mutex_);
  Summary done_before_ S3_GUARDED_BY(mutex_);
  std::optional<s3::Wake> consumer_ S3_GUARDED_BY(mutex_);  // set while Next() waits

  s3::CondVar has_room_;
  std::thread thread_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace pipeline
