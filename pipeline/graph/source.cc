#include "pipeline/graph/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "pipeline/upload/buffers.h"

namespace pipeline {

Source::Source(Finder find, std::vector<std::shared_ptr<Object>> streams, const UploadOptions& options,
               std::stop_token stop, const History* history, Progress* progress)
    : find_(std::move(find)),
      options_(options),
      stop_(std::move(stop)),
      history_(history),
      progress_(progress) {
  for (auto& stream : streams) {
    if (LeaveOutIfDone(stream->file())) continue;
    ++progress_->found;
    queue_.PushNew(UploadTask{std::move(stream), 1});
  }
  thread_ = std::thread([this] {
    try {
      WalkAhead();
    } catch (const std::exception&) {
      // For example, std::bad_alloc. The source then ends without being exhausted, so the run ends with 70.
      StopAndWake(s3::MutexLock(mutex_));
    }
  });
  on_stop_.emplace(stop_, [this] { StopAndWake(s3::MutexLock(mutex_)); });
}

Source::~Source() {
  on_stop_.reset();
  {
    const s3::MutexLock lock(mutex_);
    queue_.Stop();
    has_room_.NotifyAll();
  }
  thread_.join();
}

std::optional<SourceItem> Source::Next(s3::Waiter* waiter) {
  if (next_part_) {
    UploadTask task = *next_part_;
    if (++next_part_->number > task.object->last_task()) next_part_.reset();
    return task;
  }
  for (;;) {
    {
      s3::MutexLock lock(mutex_);
      if (queue_.HasNext()) {
        auto entry = PopAndMakeRoom();
        lock.unlock();
        return ItemOf(std::move(entry));
      }
      if (queue_.Drained()) return std::nullopt;
    }
    WaitForWork(waiter);
  }
}

bool Source::MayHaveMore() const {
  const s3::MutexLock lock(mutex_);
  return queue_.MayHaveMore();
}

void Source::WaitForWork(s3::Waiter* waiter) {
  const bool has_more = MayHaveMore();
  const auto reason = has_more ? s3::SlotState::kSource : s3::SlotState::kFinished;
  waiter->Wait(reason, [this, has_more](s3::Wake wake) {
    s3::MutexLock lock(mutex_);
    if (!queue_.HasNext() && !queue_.Drained() && queue_.MayHaveMore() == has_more) {
      consumer_ = wake;
      return;
    }
    lock.unlock();
    wake();
  });
}

SourceQueue::Entry Source::PopAndMakeRoom() {
  // Wake the walk when half of the look-ahead is free, not for every entry.
  const bool was_full = queue_.new_inputs() > kLookAhead / 2;
  auto entry = queue_.Pop();
  if (was_full && queue_.new_inputs() == kLookAhead / 2) has_room_.NotifyAll();
  return entry;
}

SourceItem Source::ItemOf(SourceQueue::Entry entry) {
  if (auto* task = std::get_if<UploadTask>(&entry)) return std::move(*task);
  if (auto* result = std::get_if<ObjectResult>(&entry)) return std::move(*result);
  if (auto* file = std::get_if<std::shared_ptr<const InputFile>>(&entry)) {
    return Begin(std::move(*file), nullptr);
  }
  return Begin(nullptr, std::get<SourceQueue::Restart>(entry).before.get());
}

// Fails the input if there is no memory for its tasks. The graph's callbacks must not throw.
SourceItem Source::Begin(std::shared_ptr<const InputFile> file, const Object* before) {
  try {
    if (before != nullptr) {
      auto present = before->file();
      present.size_bytes = CurrentSize(present);
      file = std::make_shared<InputFile>(std::move(present));
    }
    return FirstTask(file, before);
  } catch (const std::bad_alloc&) {
    next_part_.reset();
    return WithoutMemory(file != nullptr ? file : before->shared_file());
  }
}

SourceItem Source::FirstTask(std::shared_ptr<const InputFile> file, const Object* before) {
  const auto plan = PlanOf(*file);
  if (!plan) {
    ObjectResult result;
    result.size_bytes = file->size_bytes;
    result.file = std::move(file);
    result.error = plan.error();
    return result;
  }
  auto object = std::make_shared<Object>(std::move(file), *plan);
  if (before != nullptr) {
    object->restarts = before->restarts;
    object->conflicts = before->conflicts;
    object->earlier_attempts = before->attempts();
    object->began = before->began;
  }
  const int first = object->first_task();
  if (object->last_task() > first) next_part_ = UploadTask{object, first + 1};
  return UploadTask{std::move(object), first};
}

s3::Result<s3::PartPlan> Source::PlanOf(const InputFile& file) const {
  const auto largest = BufferPool::LargestRequest(options_.memory_bytes);
  if (file.range) {
    if (file.range->part_bytes <= largest) return s3::PlanOfParts(file.size_bytes, file.range->part_bytes);
    return s3::Fail(
        s3::ErrorKind::kUnsupported,
        fmt::format("limits.memory is too small for the plan's parts of {} bytes: raise limits.memory",
                    file.range->part_bytes));
  }
  auto options = options_.plan;
  if (const auto part_bytes = history_->uploads().PartBytes(file)) options.part_bytes = *part_bytes;
  options.max_body_bytes = largest;
  return s3::PlanUpload(file.size_bytes, options, options_.store_limits);
}

// Takes the lock only for the last open input. If WaitForWork() sees an open input, it sets consumer_ before
// it releases the lock. So the wake-up can't be lost.
void Source::InputDone() S3_NO_THREAD_SAFETY_ANALYSIS {
  if (queue_.FinishInput()) WakeConsumer(s3::MutexLock(mutex_));
}

void Source::Requeue(const Object& object) {
  // Keeps only the values that the next attempt needs: the file and its counts. So the memory of the old
  // object can be freed.
  auto before = std::make_shared<Object>(object.shared_file(), s3::PartPlan{});
  before->restarts = object.restarts;
  before->conflicts = object.conflicts;
  before->earlier_attempts = std::max(object.attempts(), object.restarts + object.conflicts);
  before->began = object.began;
  s3::MutexLock lock(mutex_);
  queue_.PushBegun(SourceQueue::Restart{std::move(before)});
  WakeConsumer(std::move(lock));
}

void Source::StreamReady(std::shared_ptr<Object> stream, int number) {
  s3::MutexLock lock(mutex_);
  queue_.PushBegun(UploadTask{std::move(stream), number});
  WakeConsumer(std::move(lock));
}

std::uint64_t Source::found() const {
  const s3::MutexLock lock(mutex_);
  return queue_.handed_out();
}

bool Source::exhausted() const {
  const s3::MutexLock lock(mutex_);
  return queue_.Exhausted();
}

Summary Source::done_before() const {
  const s3::MutexLock lock(mutex_);
  return done_before_;
}

void Source::StopAndWake(s3::MutexLock lock) S3_NO_THREAD_SAFETY_ANALYSIS {  // passes the lock on
  queue_.Stop();
  has_room_.NotifyAll();
  WakeConsumer(std::move(lock));
}

void Source::WakeConsumer(s3::MutexLock lock) S3_NO_THREAD_SAFETY_ANALYSIS {  // releases the caller's lock
  const auto consumer = std::exchange(consumer_, std::nullopt);
  lock.unlock();
  if (consumer) (*consumer)();
}

// Called by the walk's threads.
bool Source::LeaveOutIfDone(const InputFile& file) {
  if (file.embedded) return false;  // each input of a program gets a result
  const auto earlier = history_->inputs().FindDone(file);
  if (!earlier) return false;
  ObjectResult result;
  result.outcome = earlier->outcome;
  result.size_bytes = earlier->size_bytes;
  const s3::MutexLock lock(mutex_);
  ++done_before_.found;
  done_before_.Count(result);
  return true;
}

void Source::WalkAhead() {
  if (!find_([this](Input input) { return Take(std::move(input)); })) return;
  s3::MutexLock lock(mutex_);
  queue_.Close();
  progress_->all_found = true;
  WakeConsumer(std::move(lock));
}

// Called by the walk's threads. Blocks while the look-ahead is full.
Backpressure Source::Take(Input input) {
  if (LeaveOutIfDone(FileOf(input))) {
    return stop_.stop_requested() ? Backpressure::kStop : Backpressure::kStarving;
  }
  s3::MutexLock lock(mutex_);
  if (queue_.new_inputs() >= kLookAhead) {
    has_room_.Wait(lock, [this]() S3_REQUIRES(mutex_) {
      return queue_.stopped() || queue_.new_inputs() <= kLookAhead / 2;
    });
  }
  if (queue_.stopped()) return Backpressure::kStop;
  progress_->found_bytes += BytesToUpload(FileOf(input));
  std::visit([this](auto& found) S3_REQUIRES(mutex_) { queue_.PushNew(std::move(found)); }, input);
  ++progress_->found;
  const bool starving = queue_.new_inputs() < kLookAhead / 2;
  WakeConsumer(std::move(lock));
  return starving ? Backpressure::kStarving : Backpressure::kSaturated;
}

}  // namespace pipeline
