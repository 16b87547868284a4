// The tasks in flight, so that the console can name the slowest.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <optional>

#include "pipeline/report/progress_view.h"
#include "pipeline/upload/object.h"
#include "s3/base/mutex.h"

namespace pipeline {

// Thread-safe.
class TasksInFlight {
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>>;

 public:
  using Clock = std::chrono::steady_clock;

  // Lists one task while this object exists. Allocates nothing.
  class Entry : public Hook {
   public:
    // `task` must outlive the entry.
    Entry(TasksInFlight* tasks, const UploadTask& task);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    friend class TasksInFlight;
    TasksInFlight* const tasks_;
    const UploadTask& task_;
    const Clock::time_point began_;
  };

  // Returns the oldest task in flight. Returns nothing if no task is in flight.
  std::optional<SlowTask> Slowest(Clock::time_point now) const;

 private:
  mutable s3::Mutex mutex_;
  // The oldest task comes first. Nobody asks for the size, so the list does not count it.
  boost::intrusive::list<Entry, boost::intrusive::base_hook<Hook>,
                         boost::intrusive::constant_time_size<false>>
      entries_ S3_GUARDED_BY(mutex_);
};

}  // namespace pipeline
