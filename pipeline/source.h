// The source of the graph: a walk in a thread of its own, with bounded look-ahead.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "pipeline/message.h"
#include "pipeline/progress.h"
#include "pipeline/walk.h"
#include "s3/waiter.h"

namespace pipeline {

class Source {
 public:
  // Starts the walk; it stays at most kLookAhead entries ahead, and tells `progress` (not owned) what
  // it has found.
  Source(Walk walk, std::stop_token stop, Progress* progress);
  ~Source();

  // The next input; nothing once the walk has ended or the run is stopping, and from then on. When
  // the look-ahead is empty the caller waits in `waiter`. One caller at a time.
  std::optional<SourceItem> Next(s3::Waiter* waiter);

  // True when every input of the walk was handed out: nothing is left. False after an early stop.
  bool exhausted() const;

  static constexpr std::size_t kLookAhead = 1024;

 private:
  void WalkAhead();
  void WakeConsumer(std::unique_lock<std::mutex> lock);

  Walk walk_;
  const std::stop_token stop_;
  Progress* const progress_;
  mutable std::mutex mutex_;
  std::condition_variable space_;
  std::deque<SourceItem> ahead_;
  bool walked_ = false;
  bool quit_ = false;
  std::optional<s3::Wake> consumer_;
  std::thread thread_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace pipeline
