#include "pipeline/upload/object.h"

#include <utility>

namespace pipeline {

void Object::Fail(s3::Error error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  failed_ = true;
}

// One attempt, and one more for each request that was sent again.
void Object::CountAttempts(int attempts) {
  if (attempts == 0) return;
  std::lock_guard lock(mutex_);
  attempts_ += attempts_ == 0 ? attempts : attempts - 1;
}

void Object::AddPart(s3::CompletedPart part, std::string digest, bool reused) {
  std::lock_guard lock(mutex_);
  if (reused) ++reused_parts_;
  const auto index = static_cast<std::size_t>(part.number - first_task());
  if (index >= parts_.size()) {
    parts_.resize(index + 1);
    digests_.resize(index + 1);
  }
  parts_[index] = std::move(part);
  digests_[index] = std::move(digest);
}

void Object::AddTask() {
  std::lock_guard lock(mutex_);
  ++unfinished_;
}

bool Object::EndTask() {
  std::lock_guard lock(mutex_);
  return --unfinished_ == 0;
}

std::uint64_t Object::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& part : parts_) sum += part.bytes;
  return sum;
}

std::uint64_t BodyBytes(const UploadTask& task) {
  return task.object->stream() != nullptr ? 0 : task.object->plan().Range(task.number).bytes;
}

}  // namespace pipeline
