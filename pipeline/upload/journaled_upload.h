// Creates a multipart upload, and records it so that a later session finds it after a crash at any point.
#pragma once

#include <optional>

#include "pipeline/journal/journal.h"
#include "pipeline/message.h"
#include "s3/client/multipart.h"
#include "s3/part_plan.h"

namespace pipeline {

struct JournaledUpload {
  std::optional<s3::MultipartUpload> upload;  // empty when it was not created
  int attempts = 0;
  std::optional<s3::Error> error;  // kCancelled when the journal cannot be written
  // True when the upload was created but could not be written to the journal: the caller must abort it.
  bool unrecorded = false;
};

// Writes a `creating` line before the request and an `upload` line after it. Returns only after the `upload`
// line is on the disk, so no part is sent before that. `mtime_ns`: of the open file; 0 for a stream. Waits in
// `waiter` and in the client's waiter. With a null journal, only creates the upload.
JournaledUpload CreateJournaled(s3::Client* client, const s3::ObjectTarget& target, const InputFile& file,
                                const s3::PartPlan& plan, std::int64_t mtime_ns, Journal* journal,
                                s3::Waiter* waiter, const s3::RetryObserver& on_retry);

}  // namespace pipeline
