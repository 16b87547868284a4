// Last step of an upload: completes or aborts it, verifies the object, and makes the result of the input.
#pragma once

#include <optional>

#include "pipeline/message.h"
#include "pipeline/upload/object.h"
#include "pipeline/upload/steps/context.h"
#include "pipeline/upload/steps/payload_reader.h"

namespace pipeline {

// Thread-safe. Only the last task of an object may pass it to Finish(). Waits in the context's waiter.
class Finisher {
 public:
  // Owns nothing.
  Finisher(const UploadContext* context, const PayloadReader* reader)
      : context_(*context), reader_(*reader) {}

  // Finishes the upload and returns the result of the input. Returns nothing when the input was given back to
  // the source, to be uploaded again.
  std::optional<ObjectResult> Finish(Object* object) const;

  // Returns the result of an object that ended with `error`, or without an error. Sends no request.
  ObjectResult ResultOf(const Object& object, std::optional<s3::Error> error) const;

 private:
  ObjectResult FinishRange(Object* object) const;
  std::optional<s3::Error> FinishUpload(Object* object, std::optional<s3::Error> error) const;
  std::optional<s3::Error> Complete(Object* object) const;
  std::optional<s3::Error> CheckBeforeCompletion(const Object& object) const;
  std::optional<s3::Error> EnsureTags(const Object& object) const;
  std::optional<s3::Error> AbortOrResolve(Object* object, s3::Error error, bool completion_was_tried) const;
  std::optional<s3::Error> Verify(const Object& object) const;
  bool RequeueIfWorthIt(Object* object, const s3::Error& error) const;
  ObjectResult SkippedResult(const Object& object) const;
  s3::RetryObserver Observer(const Object& object) const { return ObserveRetries(context_, object); }

  const UploadContext& context_;
  const PayloadReader& reader_;
};

}  // namespace pipeline
