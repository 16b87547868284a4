#include "pipeline/upload/tasks_in_flight.h"

namespace pipeline {

TasksInFlight::Entry::Entry(TasksInFlight* tasks, const UploadTask& task)
    : tasks_(tasks), task_(task), began_(Clock::now()) {
  const s3::MutexLock lock(tasks_->mutex_);
  tasks_->entries_.push_back(*this);
}

TasksInFlight::Entry::~Entry() {
  const s3::MutexLock lock(tasks_->mutex_);
  tasks_->entries_.erase(tasks_->entries_.iterator_to(*this));
}

std::optional<SlowTask> TasksInFlight::Slowest(Clock::time_point now) const {
  const s3::MutexLock lock(mutex_);
  if (entries_.empty()) return std::nullopt;
  const auto& entry = entries_.front();
  const auto& object = *entry.task_.object;
  const bool has_parts = object.plan().is_multipart() || object.is_stream();
  return SlowTask{.path = object.file().path,
                  .part = has_parts ? entry.task_.number : 0,
                  .seconds = std::chrono::duration<double>(now - entry.began_).count()};
}

}  // namespace pipeline
