#include "pipeline/graph/source.h"

#include <fmt/format.h>

#include <algorithm>
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
    if (CountIfSettled(stream->file())) continue;
    ++streams_left_;
    ++progress_->found;
    ready_.push_back({std::move(stream), 1});
  }
  thread_ = std::thread([this] {
    try {
      WalkAhead();
    } catch (const std::exception&) {
      // Out of memory, say. The source ends without being exhausted, which no run takes for success.
      std::unique_lock lock(mutex_);
      quit_ = true;
      WakeConsumer(std::move(lock));
    }
  });
  on_stop_.emplace(stop_, [this] {
    std::unique_lock lock(mutex_);
    quit_ = true;
    space_.notify_all();
    WakeConsumer(std::move(lock));
  });
}

Source::~Source() {
  on_stop_.reset();
  {
    std::lock_guard lock(mutex_);
    quit_ = true;
    space_.notify_all();
  }
  thread_.join();
}

std::optional<SourceItem> Source::Next(s3::Waiter* waiter) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (auto item = NextReady()) return item;
      if (Dry()) return std::nullopt;
    }
    waiter->Wait([this](s3::Wake wake) {
      std::unique_lock lock(mutex_);
      const bool ready = next_part_ || !again_.empty() || !ready_.empty() || (!quit_ && !ahead_.empty());
      if (ready || Dry()) {
        lock.unlock();
        wake();
      } else {
        consumer_ = wake;
      }
    });
  }
}

// What was begun comes before what is new, and goes on when the run is stopping: its tasks see that
// themselves, and the last of them makes the result.
std::optional<SourceItem> Source::NextReady() {
  if (next_part_) {
    UploadTask task = *next_part_;
    if (++next_part_->number > task.object->last_task()) next_part_.reset();
    return task;
  }
  if (!again_.empty()) {
    const auto before = std::move(again_.front());
    again_.pop_front();
    auto file = before->file();
    file.size_bytes = SizeNow(file);
    return Begin(std::make_shared<InputFile>(std::move(file)), before.get());
  }
  if (!ready_.empty()) {
    auto task = std::move(ready_.front());
    ready_.pop_front();
    if (task.number == 1) {
      if (quit_) return std::nullopt;  // not begun
      --streams_left_;
      ++found_;
      ++open_;
    }
    return task;
  }
  if (quit_ || ahead_.empty()) return std::nullopt;
  auto input = std::move(ahead_.front());
  ahead_.pop_front();
  // Half a look-ahead at a time: the walk is not woken for every entry.
  if (ahead_.size() == kLookAhead / 2) space_.notify_all();
  ++found_;
  ++open_;
  if (auto* result = std::get_if<ObjectResult>(&input)) return std::move(*result);
  return Begin(std::get<std::shared_ptr<const InputFile>>(std::move(input)), nullptr);
}

SourceItem Source::Begin(std::shared_ptr<const InputFile> file, const Object* before) {
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
        fmt::format("limits.memory is too small for the plan's parts of {} bytes", file.range->part_bytes));
  }
  auto options = options_.plan;
  if (const auto part_bytes = history_->uploads().PartBytes(file)) options.part_bytes = *part_bytes;
  options.max_body_bytes = largest;
  return s3::PlanUpload(file.size_bytes, options, options_.store_limits);
}

bool Source::Dry() const {
  return (quit_ || (walked_ && ahead_.empty() && streams_left_ == 0)) && open_ == 0;
}

// Without the lock but for the last: who finds one open waits before the lock is free, and is woken then.
void Source::Settled() {
  if (--open_ == 0) WakeConsumer(std::unique_lock(mutex_));
}

void Source::Again(const Object& object) {
  // Only what the next attempt needs of it: the file, and how often it was tried.
  auto before = std::make_shared<Object>(object.shared_file(), s3::PartPlan{});
  before->restarts = object.restarts;
  before->conflicts = object.conflicts;
  before->earlier_attempts = std::max(object.attempts(), object.restarts + object.conflicts);
  before->began = object.began;
  std::unique_lock lock(mutex_);
  again_.push_back(std::move(before));
  WakeConsumer(std::move(lock));
}

void Source::Ready(std::shared_ptr<Object> stream, int number) {
  std::unique_lock lock(mutex_);
  ready_.push_back({std::move(stream), number});
  WakeConsumer(std::move(lock));
}

std::uint64_t Source::found() const {
  std::lock_guard lock(mutex_);
  return found_;
}

bool Source::exhausted() const {
  std::lock_guard lock(mutex_);
  return walked_ && ahead_.empty() && streams_left_ == 0;
}

void Source::WakeConsumer(std::unique_lock<std::mutex> lock) {
  const auto consumer = std::exchange(consumer_, std::nullopt);
  lock.unlock();
  if (consumer) (*consumer)();
}

// Called by the walk's threads.
bool Source::CountIfSettled(const InputFile& file) {
  const auto earlier = history_->inputs().FindDone(file);
  if (!earlier) return false;
  ObjectResult result;
  result.outcome = earlier->outcome;
  result.size_bytes = earlier->size_bytes;
  std::lock_guard lock(mutex_);
  ++settled_before_.found;
  settled_before_.Count(result);
  return true;
}

Summary Source::settled_before() const {
  std::lock_guard lock(mutex_);
  return settled_before_;
}

void Source::WalkAhead() {
  if (!find_([this](Input input) { return Take(std::move(input)); })) return;
  std::unique_lock lock(mutex_);
  walked_ = true;
  progress_->all_found = true;
  WakeConsumer(std::move(lock));
}

Backpressure Source::Take(Input input) {
  if (CountIfSettled(FileOf(input)))
    return stop_.stop_requested() ? Backpressure::kStop : Backpressure::kStarving;
  std::unique_lock lock(mutex_);
  if (ahead_.size() >= kLookAhead) {
    space_.wait(lock, [this] { return quit_ || ahead_.size() <= kLookAhead / 2; });
  }
  if (quit_) return Backpressure::kStop;
  if (const auto* file = std::get_if<std::shared_ptr<const InputFile>>(&input)) {
    progress_->found_bytes += (*file)->size_bytes;
  }
  ahead_.push_back(std::move(input));
  ++progress_->found;
  const auto demand = ahead_.size() < kLookAhead / 2 ? Backpressure::kStarving : Backpressure::kSaturated;
  WakeConsumer(std::move(lock));
  return demand;
}

}  // namespace pipeline
