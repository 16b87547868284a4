// First step of an upload: opens the file, skips it if the store has it, resumes or creates the upload.
#pragma once

#include "pipeline/journal/history.h"
#include "pipeline/upload/object.h"
#include "pipeline/upload/steps/context.h"

namespace pipeline {

// Opens objects for upload. Thread-safe. The calls may wait through the context's Waiter, so they may return
// in another thread.
class Opener {
 public:
  // Doesn't own `context`.
  explicit Opener(const UploadContext* context) : context_(*context) {}

  // The first task of an object opens it; the others wait until it is open. Returns false when the object has
  // failed. Otherwise its state says whether there is data to send. Throws nothing: an error becomes the
  // object's error.
  bool Open(Object* object) const;

  // Opens a stream that ended within its first part. It is sent with one request, so no multipart upload is
  // created.
  void OpenShortStream(Object* object) const;

 private:
  void OpenFirst(Object* object) const;
  bool OpenSource(Object* object) const;
  s3::Result<OpenFile> OpenWhenPossible(const InputFile& file) const;
  bool SkipIfStored(Object* object) const;
  bool SkipIfKeyIsTaken(Object* object) const;
  void TakeOverUpload(Object* object, const OpenUpload& open) const;
  void CreateUpload(Object* object) const;
  void JoinPlannedUpload(Object* object) const;
  void ResumeUpload(Object* object, const OpenUpload& open) const;
  void AbortStaleUpload(Object* object, const OpenUpload& open) const;
  s3::RetryObserver Observer(const Object& object) const { return ObserveRetries(context_, object); }

  const UploadContext& context_;
};

}  // namespace pipeline
