#include "pipeline/upload/steps/finisher.h"

#include <fmt/format.h>

#include <utility>

#include "pipeline/journal/record.h"

namespace pipeline {
namespace {

// Returns true if the input is cancelled, not failed, because the run is stopped or has no credentials. A
// later session uploads the input.
bool IsCancellation(const s3::Error& error) {
  return error.kind == s3::ErrorKind::kCancelled || error.kind == s3::ErrorKind::kNoCredentials;
}

}  // namespace

std::optional<ObjectResult> Finisher::Finish(Object* object) const {
  if (object->file().range) return FinishRange(object);
  auto error = object->error();
  if (!error && object->state() == ObjectState::kSkipped) return SkippedResult(*object);
  if (object->multipart.upload) error = FinishUpload(object, std::move(error));
  if (!error) error = Verify(*object);
  if (error && RequeueIfWorthIt(object, *error)) return std::nullopt;
  return ResultOf(*object, std::move(error));
}

// `error`: the object's error so far. Returns the object's final error. An upload that seemed to have failed
// may turn out to be completed; then `error` is dropped.
std::optional<s3::Error> Finisher::FinishUpload(Object* object, std::optional<s3::Error> error) const {
  bool completion_was_tried = object->multipart.completion_was_tried;
  if (!error && object->state() != ObjectState::kStored) {
    error = Complete(object);
    completion_was_tried = true;
  }
  if (error) error = AbortOrResolve(object, *std::move(error), completion_was_tried);
  return error ? error : EnsureTags(*object);
}

// Returns true when it gave the input back to the source. It never gives back a stream, which can't be read
// twice.
bool Finisher::RequeueIfWorthIt(Object* object, const s3::Error& error) const {
  if (object->is_stream() || context_.stop.stop_requested()) return false;
  if (error.kind == s3::ErrorKind::kChanged) {
    // A plan is about one version of the file, so a planned input whose file changed cannot be uploaded any
    // more. An error with an errno (ESTALE or ENOENT) is different: the path may lead to that version again.
    const bool is_lost = object->file().planned && error.system_error == 0;
    if (is_lost || object->restarts >= context_.options->changed_file_retries) return false;
    ++object->restarts;
  } else if (error.kind == s3::ErrorKind::kConflict) {
    const auto& retry = context_.client->retry();
    if (object->conflicts + 1 >= retry.max_attempts) return false;
    context_.pause(s3::BackoffDelay(retry, object->conflicts, s3::UniformRandom()));
    ++object->conflicts;
  } else {
    return false;
  }
  ++context_.progress->retries;
  context_.console->Restart(object->file(), error);
  context_.requeue(*object);
  return true;
}

// Leaves the upload open even after an error, because the upload belongs to the plan. The command `finish`
// completes or aborts it.
ObjectResult Finisher::FinishRange(Object* object) const {
  auto error = object->error();
  if (!error) {
    if (auto same = reader_.CheckParts(*object); !same) error = same.error();
  }
  auto result = ResultOf(*object, error);
  result.size_bytes = object->bytes();
  if (!error) result.outcome = Outcome::kSent;
  return result;
}

std::optional<s3::Error> Finisher::CheckBeforeCompletion(const Object& object) const {
  if (object.is_buffer()) return std::nullopt;
  if (!object.is_stream()) {
    const auto same = reader_.CheckParts(object);
    return same ? std::nullopt : std::optional(same.error());
  }
  if (!context_.stop.stop_requested()) return std::nullopt;
  // Ctrl-C stops all processes of a pipeline, also the stream's writer. So the stream may have ended before
  // its data was complete.
  return s3::Error{.kind = s3::ErrorKind::kCancelled,
                   .message = "the run was stopped, so this stream was not completed"};
}

std::optional<s3::Error> Finisher::Complete(Object* object) const {
  if (auto error = CheckBeforeCompletion(*object)) return error;
  auto& upload = *object->multipart.upload;
  if (!Record(context_, object, CompletingLine(upload.token()))) return object->error();
  const auto bytes = object->is_stream() ? object->bytes() : object->plan().size_bytes;
  auto completed = upload.Complete(object->parts(), bytes, Observer(*object));
  object->CountAttempts(completed.attempts);
  if (!completed.response) return completed.response.error();
  object->Store({std::move(*completed.response), bytes, "", upload.object_checksum()});
  return std::nullopt;
}

std::optional<s3::Error> Finisher::EnsureTags(const Object& object) const {
  const auto tagged = object.multipart.upload->EnsureTags(Observer(object));
  if (tagged.response) return std::nullopt;
  auto error = tagged.response.error();
  error.message = "the object is uploaded, but its tags are not set: " + error.message;
  return error;
}

// A stopped run leaves the upload to the next session, which resumes it. Otherwise the upload is aborted, so
// that no invisible, billed parts remain. Once the upload is gone, it is certain whether a completion took
// effect.
std::optional<s3::Error> Finisher::AbortOrResolve(Object* object, s3::Error error,
                                                  bool completion_was_tried) const {
  const auto& upload = *object->multipart.upload;
  const bool is_recorded = context_.journal != nullptr && !object->multipart.is_unrecorded;
  const bool can_be_resumed = is_recorded && !object->is_stream();
  if (IsCancellation(error) && can_be_resumed) return error;
  const auto aborted = upload.Abort(Observer(*object));
  if (!aborted.response) {
    error.message +=
        fmt::format("; its multipart upload {} could not be aborted and is left in the store: {}",
                    upload.upload_id(), aborted.response.error().message);
    return error;
  }
  if (context_.journal != nullptr) (void)context_.journal->Append(GoneLine(upload.token()));
  const bool may_be_stored = completion_was_tried && error.kind != s3::ErrorKind::kIntegrity &&
                             error.kind != s3::ErrorKind::kChanged;
  if (!may_be_stored) return error;
  const auto bytes = object->bytes();
  auto own = upload.FindOwnObject(bytes, Observer(*object));
  if (!own.response) return error;
  object->Store({std::move(*own.response), bytes, "", upload.object_checksum()});
  return std::nullopt;
}

std::optional<s3::Error> Finisher::Verify(const Object& object) const {
  if (!context_.client->integrity().verify_head) return std::nullopt;
  const auto& stored = object.stored();
  const auto verified = context_.client->VerifyObject(TargetOf(object), stored.bytes, stored.response.etag,
                                                      stored.checksum, Observer(object));
  return verified.response ? std::nullopt : std::optional(verified.response.error());
}

ObjectResult Finisher::SkippedResult(const Object& object) const {
  ObjectResult result;
  result.file = object.shared_file();
  result.outcome = Outcome::kSkipped;
  result.reason = object.skip_reason();
  result.size_bytes = object.file().size_bytes;
  result.mtime_ns = MtimeNs(object.source.status());
  result.seconds = Object::Clock::now() - object.began;
  return result;
}

ObjectResult Finisher::ResultOf(const Object& object, std::optional<s3::Error> error) const {
  const bool is_stored = object.state() == ObjectState::kStored;
  const bool is_open_file = object.is_file() && object.source.is_open();
  ObjectResult result;
  result.file = object.shared_file();
  result.size_bytes = is_stored ? object.stored().bytes : object.file().size_bytes;
  result.attempts = object.attempts();
  result.parts = static_cast<int>(object.parts().size());
  result.reused_parts = object.reused_parts();
  result.mtime_ns = is_open_file ? MtimeNs(object.source.status()) : object.file().mtime_ns;
  result.seconds = Object::Clock::now() - object.began;
  if (error) {
    if (s3::SaysItExists(*error) && s3::IsConditional(object.properties)) {
      result.outcome = Outcome::kSkipped;
      result.reason = kKeyExists;
      return result;
    }
    result.outcome = IsCancellation(*error) ? Outcome::kCancelled : Outcome::kFailed;
    result.error = std::move(error);
    return result;
  }
  if (!is_stored) return result;  // parts of a planned object
  const auto& stored = object.stored();
  result.outcome = Outcome::kUploaded;
  result.etag = stored.response.etag;
  result.version_id = stored.response.version_id;
  result.request_id = stored.response.request_id;
  result.sha256 = stored.sha256;
  result.checksum = stored.checksum;
  result.algorithm = context_.client->integrity().checksum;
  return result;
}

}  // namespace pipeline
