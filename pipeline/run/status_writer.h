// Keeps the files status.json and metrics.prom of a running session up to date.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "pipeline/fs/own_dir.h"
#include "pipeline/report/estimator.h"
#include "pipeline/report/live_status.h"
#include "s3/base/mutex.h"
#include "s3/base/periodic_thread.h"

namespace pipeline {

//   StatusWriter status(directory, first);             // writes at once, then every kPeriod
//   { const auto attached = status.Attach(fill); ... }  // from now on `fill` gives the numbers
//   status.End(summary, exit_status);                   // writes the final state
class StatusWriter {
 public:
  static constexpr std::chrono::seconds kPeriod{2};
  // Replaces the state and the numbers in `*status`, which are of the last update. Must not block.
  using Fill = std::function<void(LiveStatus* status)>;

  // While an attachment exists, the writer's thread calls `fill`. The destructor calls `fill` a last time.
  class Attachment {
   public:
    Attachment(StatusWriter* writer, Fill fill);
    ~Attachment();
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

   private:
    StatusWriter* const writer_;
  };

  // `first` says which process runs the session, and since when. A failed write does not fail the run, see
  // problem().
  StatusWriter(OwnDir directory, LiveStatus first);
  StatusWriter(const StatusWriter&) = delete;
  StatusWriter& operator=(const StatusWriter&) = delete;

  [[nodiscard]] Attachment Attach(Fill fill) { return Attachment(this, std::move(fill)); }

  // Ends the updates and writes the final state. Call it once, without an attachment.
  void End(const Summary& summary, ExitStatus status);

  // Returns why the last write failed; empty if it did not. Any thread.
  std::string problem() const;

 private:
  void Update() S3_REQUIRES(mutex_);
  void Write();

  const OwnDir directory_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  mutable s3::Mutex mutex_;
  Fill fill_ S3_GUARDED_BY(mutex_);
  LiveStatus status_ S3_GUARDED_BY(mutex_);
  Estimator estimator_ S3_GUARDED_BY(mutex_);
  std::string problem_ S3_GUARDED_BY(mutex_);
  std::optional<s3::PeriodicThread> updates_;  // the last member, because its thread uses the others
};

}  // namespace pipeline
