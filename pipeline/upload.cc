#include "pipeline/upload.h"

#include "pipeline/file_reader.h"
#include "s3/hash.h"

namespace pipeline {
namespace {

// A file that is being written when we read it often is complete a moment later; one that changes
// at every look is reported.
constexpr int kMaxReads = 3;

s3::Result<FileBytes> ReadUnchanged(const InputFile& file) {
  auto bytes = ReadFile(file);
  for (int reads = 1; reads < kMaxReads && !bytes && bytes.error().kind == s3::ErrorKind::kChanged; ++reads) {
    bytes = ReadFile(file);
  }
  return bytes;
}

}  // namespace

ObjectResult Uploader::operator()(const UploadTask& task) noexcept {
  const auto start = std::chrono::steady_clock::now();
  ObjectResult result;
  result.file = task.file;
  result.size_bytes = task.file->size_bytes;
  ++progress_->in_flight;
  try {
    Upload(*task.file, &result);
  } catch (const std::bad_alloc&) {
    result.error = s3::Error{.kind = s3::ErrorKind::kLocal, .message = "out of memory"};
  } catch (const std::exception& error) {
    result.error = s3::Error{.kind = s3::ErrorKind::kLocal, .message = error.what()};
  }
  --progress_->in_flight;
  if (result.error) {
    const bool cancelled = result.error->kind == s3::ErrorKind::kCancelled;
    result.outcome = cancelled ? Outcome::kCancelled : Outcome::kFailed;
  }
  result.seconds = std::chrono::steady_clock::now() - start;
  return result;
}

void Uploader::Upload(const InputFile& file, ObjectResult* result) {
  if (stop_.stop_requested()) {
    result->error =
        s3::Error{.kind = s3::ErrorKind::kCancelled, .message = "the run was stopped before this file"};
    return;
  }
  const auto bytes = ReadUnchanged(file);
  if (!bytes) {
    result->error = bytes.error();
    return;
  }
  result->size_bytes = bytes->size_bytes;
  result->sha256 = s3::Sha256Hex(bytes->view());
  console_->Start(file);
  const auto settled =
      client_->PutObject({.key = file.key, .body = bytes->view(), .body_sha256 = result->sha256},
                         [&](const s3::RetryEvent& event) {
                           ++progress_->retries;
                           console_->Retry(file, event);
                         });
  result->attempts = settled.attempts;
  if (!settled.answer) {
    result->error = settled.answer.error();
    return;
  }
  result->outcome = Outcome::kUploaded;
  result->etag = settled.answer->etag;
  result->version_id = settled.answer->version_id;
  result->request_id = settled.answer->request_id;
}

}  // namespace pipeline
