// One object on its way: what the tasks of one input share. Thread-safe where it says so.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "pipeline/journal/record.h"
#include "pipeline/message.h"
#include "pipeline/source/open_file.h"
#include "pipeline/source/stream.h"
#include "pipeline/upload/async_once.h"
#include "s3/api/properties.h"
#include "s3/client/multipart.h"
#include "s3/part_plan.h"

namespace pipeline {

// What an object became in the store.
struct WholeObject {
  s3::Response answer;
  std::uint64_t bytes = 0;
  std::string sha256, checksum;  // as in ObjectResult
};

class Object {
 public:
  using Clock = std::chrono::steady_clock;

  Object(std::shared_ptr<const InputFile> file, s3::PartPlan plan)
      : file_(std::move(file)), plan_(plan), unfinished_(last_task() - first_task() + 1) {
    if (!plan.is_multipart()) return;
    parts_.resize(static_cast<std::size_t>(unfinished_));
    digests_.resize(parts_.size());
  }
  // Of unknown length; one task so far.
  Object(std::shared_ptr<const InputFile> file, std::shared_ptr<Stream> stream)
      : file_(std::move(file)), stream_(std::move(stream)), unfinished_(1) {}

  const InputFile& file() const { return *file_; }
  const std::shared_ptr<const InputFile>& shared_file() const { return file_; }
  const s3::PartPlan& plan() const { return plan_; }
  Stream* stream() const { return stream_.get(); }
  // The numbers of its tasks; see UploadTask. Not of a stream.
  int first_task() const { return file_->range ? file_->range->first : 1; }
  int last_task() const { return file_->range ? file_->range->last : plan_.requests(); }

  // Set by the body that enters `start`, read by all after it.
  AsyncOnce start;
  OpenFile source;
  s3::ObjectProperties properties;
  std::optional<s3::MultipartUpload> upload;
  std::string skip_reason;                 // the store has it already; empty when it is to be uploaded
  std::map<int, PartRecord> stored_parts;  // sent by an earlier session, to be compared with the file
  bool completion_was_tried = false;       // by an earlier session, with an end that nobody knows
  bool unrecorded = false;                 // the journal does not know the upload

  // Thread-safe. The first error is kept; after it no part is begun.
  void Fail(s3::Error error);
  bool failed() const { return failed_; }
  // Takes over what a settled request of this object counted.
  void CountAttempts(int attempts);
  // `digest`: of its bytes, as in PartRecord. `reused`: an earlier session had sent it.
  void AddPart(s3::CompletedPart part, std::string digest, bool reused);
  // A stream's next part will come.
  void AddTask();
  // True for the last task to end; from then on the object belongs to that one.
  bool EndTask();

  // For the last task only. In order, from the first task's.
  const std::vector<s3::CompletedPart>& parts() const { return parts_; }
  const std::string& digest_of(int number) const {
    return digests_[static_cast<std::size_t>(number - first_task())];
  }
  std::uint64_t bytes() const;  // of all parts
  const std::optional<s3::Error>& error() const { return error_; }
  int attempts() const { return earlier_attempts + attempts_; }
  int reused_parts() const { return reused_parts_; }

  std::optional<WholeObject> whole;  // once it is uploaded
  // How often this input was begun again: its file had changed; another write to its key was under way.
  int restarts = 0;
  int conflicts = 0;
  int earlier_attempts = 0;
  Clock::time_point began = Clock::now();

 private:
  const std::shared_ptr<const InputFile> file_;
  const s3::PartPlan plan_;
  const std::shared_ptr<Stream> stream_;
  mutable std::mutex mutex_;
  int unfinished_;
  int attempts_ = 0;  // of one request: the most; the others add their retries
  std::optional<s3::Error> error_;
  std::atomic<bool> failed_ = false;
  std::vector<s3::CompletedPart> parts_;
  std::vector<std::string> digests_;  // of each of them
  int reused_parts_ = 0;
};

// Of the request that the task is; 0 for a stream's, which nobody knows beforehand.
std::uint64_t BodyBytes(const UploadTask& task);

}  // namespace pipeline
