// The multipart uploads that a journal leaves open: the journal says that they were created, but not that
// they were completed or aborted.
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
  bool outdated = false;    // created with other properties than the present session's
};

// The Apply functions add the records of a journal while it is read. Thread-safe.
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

  // Returns true if the journal leaves any upload open, even if Take() has removed it. Needs no lock, because
  // it is called for each input, and most journals leave no upload open.
  bool any() const { return any_; }
  // Removes and returns the open upload of this input. The caller must then resume or abort the upload.
  // Returns nothing if the input has no open upload.
  std::optional<OpenUpload> Take(const InputFile& file);
  // Removes and returns all open uploads that Take() has not returned.
  std::vector<OpenUpload> TakeAll();
  // Returns the part size of this input's open upload, in bytes. Returns nothing if there is no open upload,
  // if the file's size has changed since, or for a stream.
  std::optional<std::uint64_t> PartBytes(const InputFile& file) const;
  // Returns the CreateMultipartUpload requests that may have created an upload whose ID is not in the
  // journal.
  std::vector<CreatingRecord> creations() const;
  // Returns the parts that this run has sent to the plan's upload with this token; null if it has sent none.
  // The plan's journal records the upload, and this journal records the parts.
  const PartRecords* PartsOfPlan(const std::string& token) const;

 private:
  void UpdateAny() S3_REQUIRES(mutex_) { any_ = !tokens_.empty(); }

  mutable s3::Mutex mutex_;
  std::atomic<bool> any_ = false;                                          // changed by Apply only
  std::map<std::string, OpenUpload> uploads_ S3_GUARDED_BY(mutex_);        // by token
  std::map<InputId, std::string> tokens_ S3_GUARDED_BY(mutex_);            // of `uploads_`
  std::map<std::string, CreatingRecord> creations_ S3_GUARDED_BY(mutex_);  // by token
  // By token. These lists do not change after the journal has been read, so PartsOfPlan() may return pointers
  // to them.
  std::map<std::string, PartRecords> parts_of_plan_ S3_GUARDED_BY(mutex_);
};

}  // namespace pipeline
