#include "pipeline/upload/steps/context.h"

namespace pipeline {

s3::ObjectTarget TargetOf(const Object& object) { return {object.file().key, &object.properties}; }

s3::RetryObserver ObserveRetries(const UploadContext& context, const Object& object) {
  return [&context, &object](const s3::RetryEvent& event) {
    ++context.progress->retries;
    context.console->Retry(object.file(), event);
  };
}

bool Record(const UploadContext& context, Object* object, const std::string& line) {
  if (context.journal == nullptr || context.journal->Append(line)) return true;
  object->Fail({.kind = s3::ErrorKind::kCancelled, .message = "the journal cannot be written"});
  return false;
}

}  // namespace pipeline
