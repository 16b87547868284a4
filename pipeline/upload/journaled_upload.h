// A multipart upload created so that the journal knows of it, whatever happens in between.
#pragma once

#include <optional>

#include "pipeline/journal/journal.h"
#include "pipeline/message.h"
#include "s3/client/multipart.h"
#include "s3/part_plan.h"

namespace pipeline {

struct JournaledUpload {
  std::optional<s3::MultipartUpload> upload;  // nothing when it was not created
  int attempts = 0;
  std::optional<s3::Error> error;  // kCancelled when the journal cannot be written
  // It was created, and the journal cannot be told: whoever made it must abort it.
  bool unrecorded = false;
};

// `mtime_ns`: of the open file; 0 for a stream. Waits in `waiter`, as the client does.
JournaledUpload CreateJournaled(s3::Client* client, const s3::ObjectTarget& target, const InputFile& file,
                                const s3::PartPlan& plan, std::int64_t mtime_ns, Journal* journal,
                                s3::Waiter* waiter, const s3::RetryObserver& on_retry);

}  // namespace pipeline
