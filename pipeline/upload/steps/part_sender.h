// Third step of an upload: one task becomes one request, PutObject or UploadPart.
#pragma once

#include <span>

#include "pipeline/message.h"
#include "pipeline/upload/object.h"
#include "pipeline/upload/steps/context.h"
#include "pipeline/upload/steps/opener.h"
#include "pipeline/upload/steps/payload_reader.h"
#include "s3/api/payload.h"
#include "s3/base/result.h"

namespace pipeline {

// Thread-safe. Errors become the object's error. Throws std::bad_alloc when memory runs out.
class PartSender {
 public:
  // Owns nothing.
  PartSender(const UploadContext* context, const Opener* opener, const PayloadReader* reader)
      : context_(*context), opener_(*opener), reader_(*reader) {}

  // Opens the object if it is new. Then sends the task's data, unless the object is skipped, stored or
  // failed.
  void Send(const UploadTask& task) const;

 private:
  void SendFilePart(const UploadTask& task) const;
  void SendBufferPart(const UploadTask& task) const;
  s3::Result<void> ReadAndSend(Object* object, const UploadTask& task, std::span<char> memory) const;
  void SendStreamPart(const UploadTask& task) const;
  s3::Result<void> SendWhole(Object* object, s3::Payload payload) const;
  s3::Result<void> SendPart(Object* object, int number, const s3::Payload& payload) const;
  bool ReuseStoredPart(Object* object, int number, const s3::Payload& payload, std::string* digest) const;
  s3::RetryObserver Observer(const Object& object) const { return ObserveRetries(context_, object); }

  const UploadContext& context_;
  const Opener& opener_;
  const PayloadReader& reader_;
};

}  // namespace pipeline
