// The object of one input, while it is uploaded. All tasks of the input share it.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/journal/record.h"
#include "pipeline/message.h"
#include "pipeline/source/open_file.h"
#include "pipeline/source/stream.h"
#include "pipeline/upload/async_once.h"
#include "s3/api/properties.h"
#include "s3/base/mutex.h"
#include "s3/client/multipart.h"
#include "s3/part_plan.h"

namespace pipeline {

// kNew -> kOpening -> kSending -> kStored
//                 \-> kSkipped
//                 \-> kStored    an earlier session had completed it
// An error can occur in any state and does not change the state, see Object::Fail.
enum class ObjectState {
  kNew,
  kOpening,  // one task opens the file and creates or resumes the upload; the others wait
  kSending,  // the tasks send data
  kSkipped,  // nothing is sent: see skip_reason()
  kStored,   // the object is in the store: see stored()
};
std::string_view StateName(ObjectState state);

// The object as the store has it.
struct StoredObject {
  s3::Response response;
  std::uint64_t bytes = 0;
  std::string sha256, checksum;  // as in ObjectResult
};

// The task that opens the object sets these values; all tasks read them later.
struct MultipartState {
  std::optional<s3::MultipartUpload> upload;  // empty for an object of one request
  // Parts that an earlier session sent. Each is compared with the file before it is reused.
  std::map<int, PartRecord> stored_parts;
  // True when a completion was sent and its outcome is unknown.
  bool completion_was_tried = false;
  // True when the upload exists but is not in the journal: this session must abort the upload.
  bool is_unrecorded = false;
};

// Members are thread-safe where a comment says so. Only one task may use the others: the task that opens the
// object, from BeginOpening() to EndOpening(); later the last task, after its EndTask() has returned true.
class Object {
 public:
  using Clock = std::chrono::steady_clock;

  Object(std::shared_ptr<const InputFile> file, s3::PartPlan plan);
  // A stream of unknown length. It has one task at first; see AddTask().
  Object(std::shared_ptr<const InputFile> file, std::shared_ptr<Stream> stream);

  const InputFile& file() const { return *file_; }
  const std::shared_ptr<const InputFile>& shared_file() const { return file_; }
  const s3::PartPlan& plan() const { return plan_; }
  bool is_stream() const { return stream_ != nullptr; }
  // True if the data is in the memory of the program that embeds s3flow: there is no file to open.
  bool is_buffer() const { return file_->is_buffer(); }
  bool is_file() const { return !is_stream() && !is_buffer(); }
  Stream* stream() const { return stream_.get(); }  // null for a file
  // The numbers of the object's first and last task, see UploadTask. Not defined for a stream.
  int first_task() const { return file_->range ? file_->range->first : 1; }
  int last_task() const { return file_->range ? file_->range->last : plan_.requests(); }

  // The transitions throw std::logic_error when the state doesn't allow them. So a bug fails only this
  // object, see RunGuarded(). A task may call state() after its own call of BeginOpening() has returned.
  ObjectState state() const { return state_; }
  // Returns true to the first caller, which must call EndOpening(). Other callers wait in `waiter` until
  // EndOpening(), and get false. Thread-safe.
  bool BeginOpening(s3::Waiter* waiter);
  // kOpening becomes kSending, unless the object has failed or is skipped or stored. Wakes all tasks that
  // wait in BeginOpening().
  void EndOpening();
  // kOpening becomes kSkipped. `reason`: for the journal and the user, not empty.
  void Skip(std::string reason);
  // kOpening or kSending becomes kStored.
  void Store(StoredObject stored);
  const std::string& skip_reason() const { return skip_reason_; }
  // Throws std::bad_optional_access unless the state is kStored.
  const StoredObject& stored() const { return stored_.value(); }

  // Set by the task that opens the object, read-only afterwards.
  OpenFile source;
  s3::ObjectProperties properties;
  MultipartState multipart;

  // Thread-safe. Keeps the first error and ignores later ones. After an error, no further part is sent.
  void Fail(s3::Error error);
  bool failed() const { return failed_; }
  // Thread-safe. Adds the attempts of a request that has ended.
  void CountAttempts(int attempts);
  // Thread-safe. Records a part that the store has. `digest`: of the part's bytes, as in PartRecord.
  // `reused`: true if an earlier session had sent it.
  void AddPart(s3::CompletedPart part, std::string digest, bool reused);
  // Thread-safe. Adds a task for a stream's next part.
  void AddTask();
  // Thread-safe. Each task must call it once, at its end. Returns true to the last task, which alone may use
  // the object afterwards.
  bool EndTask();

  // For the last task only. The parts in the order of their numbers, from first_task() on.
  const std::vector<s3::CompletedPart>& parts() const S3_NO_THREAD_SAFETY_ANALYSIS { return parts_; }
  const std::string& digest_of(int number) const S3_NO_THREAD_SAFETY_ANALYSIS {
    return digests_[static_cast<std::size_t>(number - first_task())];
  }
  std::uint64_t bytes() const S3_NO_THREAD_SAFETY_ANALYSIS;  // of all parts
  const std::optional<s3::Error>& error() const S3_NO_THREAD_SAFETY_ANALYSIS { return error_; }
  int attempts() const S3_NO_THREAD_SAFETY_ANALYSIS { return earlier_attempts + attempts_; }
  int reused_parts() const S3_NO_THREAD_SAFETY_ANALYSIS { return reused_parts_; }

  // Counts that are kept when the input is queued again (Source::Requeue). `restarts`: how often its file had
  // changed. `conflicts`: how often another write to its key was in progress.
  int restarts = 0;
  int conflicts = 0;
  int earlier_attempts = 0;
  Clock::time_point began = Clock::now();

 private:
  void MoveTo(ObjectState next);

  const std::shared_ptr<const InputFile> file_;
  const s3::PartPlan plan_;
  const std::shared_ptr<Stream> stream_;
  AsyncOnce opening_;
  std::atomic<ObjectState> state_ = ObjectState::kNew;
  std::string skip_reason_;
  std::optional<StoredObject> stored_;
  std::atomic<bool> failed_ = false;
  mutable s3::Mutex mutex_;
  int unfinished_ S3_GUARDED_BY(mutex_);
  // The sum of all attempts of the first counted request, and of the retries of later ones.
  int attempts_ S3_GUARDED_BY(mutex_) = 0;
  std::optional<s3::Error> error_ S3_GUARDED_BY(mutex_);
  std::vector<s3::CompletedPart> parts_ S3_GUARDED_BY(mutex_);
  std::vector<std::string> digests_ S3_GUARDED_BY(mutex_);  // of each part in parts_
  int reused_parts_ S3_GUARDED_BY(mutex_) = 0;
};

// Returns the size of the task's request body in bytes; 0 for a stream's task, whose size is unknown until it
// is read.
std::uint64_t BodyBytes(const UploadTask& task);

// Runs `work`. An exception becomes the object's error, because no exception may leave a task of the graph.
template <typename Work>
void RunGuarded(Object* object, const Work& work) noexcept {
  const auto fail = [object](const char* message) {
    object->Fail({.kind = s3::ErrorKind::kLocal, .message = message});
  };
  try {
    work();
  } catch (const std::bad_alloc&) {
    fail("out of memory");
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

}  // namespace pipeline
