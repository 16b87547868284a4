#include "pipeline/upload/journaled_upload.h"

#include <chrono>

#include "pipeline/journal/record.h"

namespace pipeline {
namespace {

// The error when a line cannot be written. The journal's on_failure has already stopped the run.
s3::Error Unwritable() {
  return {.kind = s3::ErrorKind::kCancelled, .message = "the journal cannot be written"};
}

}  // namespace

JournaledUpload CreateJournaled(s3::Client* client, const s3::ObjectTarget& target, const InputFile& file,
                                const s3::PartPlan& plan, std::int64_t mtime_ns, Journal* journal,
                                s3::Waiter* waiter, const s3::RetryObserver& on_retry) {
  JournaledUpload made;
  s3::MultipartUpload upload(client, target);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_s = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  if (journal != nullptr && !journal->Append(CreatingLine(upload.token(), file, now_s))) {
    made.error = Unwritable();
    return made;
  }
  const auto created = upload.Create(on_retry);
  made.attempts = created.attempts;
  if (!created.response) {
    // A refused request has made no upload. Without a response, or after a retry, there may be one. Then the
    // `creating` line stays open, and the run looks for the upload at its end (orphaned_uploads.h).
    made.error = created.response.error();
    const int status = made.error->http_status;
    const bool is_refused = created.attempts == 1 && status >= 400 && status < 500;
    if (journal != nullptr && is_refused && !journal->Append(GoneLine(upload.token()))) {
      made.error = Unwritable();
    }
    return made;
  }
  const UploadRecord record{.token = upload.token(),
                            .path = file.path,
                            .key = file.key,
                            .upload_id = upload.upload_id(),
                            .size_bytes = plan.size_bytes,
                            .part_bytes = plan.part_bytes,
                            .mtime_ns = mtime_ns,
                            .created_once = created.attempts == 1};
  made.upload.emplace(std::move(upload));
  if (journal != nullptr && !journal->AppendDurably(UploadLine(record), waiter)) {
    made.unrecorded = true;
    made.error = Unwritable();
  }
  return made;
}

}  // namespace pipeline
