// Writes series.jsonl while a session runs, and knows where the time of its slots went.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/fs/own_dir.h"
#include "pipeline/progress.h"
#include "pipeline/timing/series.h"
#include "s3/base/mutex.h"
#include "s3/base/periodic_thread.h"
#include "s3/base/slot_time.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

// Takes a sample each second, in a thread of its own. The sessions of a run directory replace each other's
// file. A failed write does not fail the run; see problem().
class SeriesWriter {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kPeriod{1};

  // `slot_time` and `progress` are not owned. `cores`: how many the session may use.
  SeriesWriter(OwnDir directory, const s3::SlotTime* slot_time, const Progress* progress, int cores);
  SeriesWriter(const SeriesWriter&) = delete;
  SeriesWriter& operator=(const SeriesWriter&) = delete;

  // Writes the last line. Returns the slot-seconds of the session. Call it once, when the graph has ended.
  s3::BySlotState<double> End();

  // Names what limited the session in the last few seconds; see LimitOf(). Any thread.
  std::string_view limit() const;
  // Returns the seconds that slots have spent in each state, up to the last sample. Any thread.
  s3::BySlotState<double> slot_seconds() const;
  // Returns why the file is incomplete; empty if it is not. Any thread.
  std::string problem() const;

 private:
  static constexpr std::size_t kLimitSamples = 5;  // how many samples limit() looks at
  // The counters at the time of a sample, since the beginning of the session.
  struct Totals {
    s3::BySlotState<double> slot_seconds;
    double seconds = 0, cpu_seconds = 0;
  };

  void Sample();
  void Write(Series::Change change);
  void WriteLine(const std::string& line);

  const OwnDir directory_;
  const Progress* const progress_;
  const int cores_;
  const Clock::time_point start_ = Clock::now();
  // Used by the thread, and by End() after the thread has ended.
  s3::SlotTimeReader reader_;
  Series series_;
  std::deque<Totals> totals_;  // of the last samples; at least one
  std::optional<s3::UniqueFd> file_;

  mutable s3::Mutex mutex_;
  std::string_view limit_ S3_GUARDED_BY(mutex_);
  s3::BySlotState<double> slot_seconds_ S3_GUARDED_BY(mutex_);
  std::string problem_ S3_GUARDED_BY(mutex_);
  std::optional<s3::PeriodicThread> samples_;  // the last member, because its thread uses the others
};

}  // namespace pipeline
