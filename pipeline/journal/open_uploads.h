// The multipart uploads that a journal leaves open: created, and neither completed nor aborted as far as it
// says.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/journal/input_id.h"
#include "pipeline/journal/record.h"
#include "s3/base/mutex.h"

namespace pipeline {

using PartRecords = std::map<int, PartRecord>;  // by part number

struct OpenUpload {
  UploadRecord record;
  PartRecords parts;
  bool completing = false;  // CompleteMultipartUpload was sent; its outcome is unknown
  bool outdated = false;    // created with other properties than objects get now
};

// Filled by Apply while a journal is read. Thread-safe.
class OpenUploads {
 public:
  void Apply(CreatingRecord record);
  // `outdated`: see OpenUpload.
  void Apply(UploadRecord record, bool outdated);
  void Apply(PartRecord record);
  void Apply(const CompletingRecord& record);
  void Apply(const GoneRecord& record);
  // The input was uploaded, so its upload is not open any more.
  void ApplyUploaded(const InputId& input);

  // Costs no lock: most journals leave none open. Uploads that were taken still count.
  bool any() const { return any_; }
  // Gives away the open upload of this input: the caller resumes or aborts it.
  std::optional<OpenUpload> Take(const InputFile& file);
  // Gives away all that nobody has taken.
  std::vector<OpenUpload> TakeAll();
  // The part size of this input's open upload. Nothing if there is none, if the file's size has changed
  // since, or for a stream.
  std::optional<std::uint64_t> PartBytes(const InputFile& file) const;
  // Requests that may have created an upload whose ID the journal does not know.
  std::vector<CreatingRecord> creations() const;
  // The parts sent to an upload of a plan, which its journal has and this one has not. Null if there are
  // none.
  const PartRecords* PartsOfPlan(const std::string& token) const;

 private:
  void UpdateAny() S3_REQUIRES(mutex_) { any_ = !tokens_.empty(); }

  mutable s3::Mutex mutex_;
  std::atomic<bool> any_ = false;                                          // changed by Apply only
  std::map<std::string, OpenUpload> uploads_ S3_GUARDED_BY(mutex_);        // by token
  std::map<InputId, std::string> tokens_ S3_GUARDED_BY(mutex_);            // of `uploads_`
  std::map<std::string, CreatingRecord> creations_ S3_GUARDED_BY(mutex_);  // by token
  // By token. Its lists are not changed once the journal was read, so they can be lent.
  std::map<std::string, PartRecords> parts_of_plan_ S3_GUARDED_BY(mutex_);
};

}  // namespace pipeline
