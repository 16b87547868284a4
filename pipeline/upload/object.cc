#include "pipeline/upload/object.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace pipeline {
namespace {

bool MayFollow(ObjectState state, ObjectState next) {
  switch (next) {
    case ObjectState::kNew: return false;
    case ObjectState::kOpening: return state == ObjectState::kNew;
    case ObjectState::kSending:
    case ObjectState::kSkipped: return state == ObjectState::kOpening;
    case ObjectState::kStored: return state == ObjectState::kOpening || state == ObjectState::kSending;
  }
  return false;
}

}  // namespace

std::string_view StateName(ObjectState state) {
  switch (state) {
    case ObjectState::kNew: return "new";
    case ObjectState::kOpening: return "opening";
    case ObjectState::kSending: return "sending";
    case ObjectState::kSkipped: return "skipped";
    case ObjectState::kStored: return "stored";
  }
  return "unknown";
}

Object::Object(std::shared_ptr<const InputFile> file, s3::PartPlan plan)
    : file_(std::move(file)), plan_(plan), unfinished_(last_task() - first_task() + 1) {
  if (!plan.is_multipart()) return;
  parts_.resize(static_cast<std::size_t>(unfinished_));
  digests_.resize(parts_.size());
}

Object::Object(std::shared_ptr<const InputFile> file, std::shared_ptr<Stream> stream)
    : file_(std::move(file)), stream_(std::move(stream)), unfinished_(1) {}

void Object::MoveTo(ObjectState next) {
  const auto state = state_.load(std::memory_order_acquire);
  if (!MayFollow(state, next)) {
    throw std::logic_error(
        fmt::format("internal error: an object that is {} cannot become {}; please report this",
                    StateName(state), StateName(next)));
  }
  state_.store(next, std::memory_order_release);
}

bool Object::BeginOpening(s3::Waiter* waiter) {
  if (!opening_.Enter(waiter)) return false;
  MoveTo(ObjectState::kOpening);
  return true;
}

void Object::EndOpening() {
  if (!failed() && state() == ObjectState::kOpening) MoveTo(ObjectState::kSending);
  opening_.Done();
}

void Object::Skip(std::string reason) {
  MoveTo(ObjectState::kSkipped);
  skip_reason_ = std::move(reason);
}

void Object::Store(StoredObject stored) {
  MoveTo(ObjectState::kStored);
  stored_ = std::move(stored);
}

void Object::Fail(s3::Error error) {
  const s3::MutexLock lock(mutex_);
  if (!error_) error_ = std::move(error);
  failed_ = true;
}

void Object::CountAttempts(int attempts) {
  if (attempts == 0) return;
  const s3::MutexLock lock(mutex_);
  attempts_ += attempts_ == 0 ? attempts : attempts - 1;
}

void Object::AddPart(s3::CompletedPart part, std::string digest, bool reused) {
  const s3::MutexLock lock(mutex_);
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
  const s3::MutexLock lock(mutex_);
  ++unfinished_;
}

bool Object::EndTask() {
  const s3::MutexLock lock(mutex_);
  return --unfinished_ == 0;
}

std::uint64_t Object::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& part : parts_) sum += part.bytes;
  return sum;
}

std::uint64_t BodyBytes(const UploadTask& task) {
  return task.object->is_stream() ? 0 : task.object->plan().Range(task.number).bytes;
}

}  // namespace pipeline
