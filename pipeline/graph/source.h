// The source of the graph: what a walk, or a plan, and streams have, cut into tasks. The walk runs in threads
// of its own, with bounded look-ahead.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "pipeline/journal/history.h"
#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "pipeline/report/summary.h"
#include "pipeline/source/stream.h"
#include "pipeline/source/walkers.h"
#include "pipeline/upload/object.h"
#include "s3/base/waiter.h"
#include "s3/part_plan.h"

namespace pipeline {

class Source {
 public:
  // Starts `find`; it stays at most kLookAhead entries ahead, and `progress` is told what it has found.
  // What `history` has settled is passed over. Neither is owned.
  Source(Finder find, std::vector<std::shared_ptr<Object>> streams, const UploadOptions& options,
         std::stop_token stop, const History* history, Progress* progress);
  ~Source();

  // The next task or result; the tasks of one file come one after the other. Nothing once all inputs
  // have settled, or the run is stopping and those that were begun have settled; and from then on.
  // Meanwhile the caller waits in `waiter`. One caller at a time.
  std::optional<SourceItem> Next(s3::Waiter* waiter);

  // Thread-safe. Each input that Next yielded has exactly one of the first:
  void Settled();
  // The object is begun again: its tasks come again, from the file as it is now.
  void Again(const Object& object);
  // A stream's next part can be read.
  void Ready(std::shared_ptr<Object> stream, int number);

  // Inputs that were handed out, each once.
  std::uint64_t found() const;
  // True when every input was handed out: nothing is left. False after an early stop.
  bool exhausted() const;
  // Of the inputs that were found, those that earlier sessions have settled as they are now.
  Summary settled_before() const;

  static constexpr std::size_t kLookAhead = 1024;

 private:
  void WalkAhead();
  Backpressure Take(Input input);
  bool CountIfSettled(const InputFile& file);
  void WakeConsumer(std::unique_lock<std::mutex> lock);
  std::optional<SourceItem> NextReady();
  SourceItem Begin(std::shared_ptr<const InputFile> file, const Object* before);
  s3::Result<s3::PartPlan> PlanOf(const InputFile& file) const;
  bool Dry() const;

  const Finder find_;
  const UploadOptions options_;
  const std::stop_token stop_;
  const History* const history_;
  Progress* const progress_;
  mutable std::mutex mutex_;
  std::condition_variable space_;
  std::deque<Input> ahead_;
  std::deque<std::shared_ptr<Object>> again_;  // as they were before
  std::deque<UploadTask> ready_;               // of streams
  std::optional<UploadTask> next_part_;        // of the file that is being emitted
  std::size_t streams_left_ = 0;
  std::uint64_t found_ = 0;
  std::atomic<std::uint64_t> open_ = 0;  // found, and not settled
  Summary settled_before_;
  bool walked_ = false;
  bool quit_ = false;
  std::optional<s3::Wake> consumer_;
  std::thread thread_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace pipeline
