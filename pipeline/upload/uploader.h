// The upload node's function: each task becomes one request, and the last task of an object makes its result.
#pragma once

#include <optional>
#include <utility>

#include "pipeline/message.h"
#include "pipeline/upload/object.h"
#include "pipeline/upload/steps/context.h"
#include "pipeline/upload/steps/finisher.h"
#include "pipeline/upload/steps/opener.h"
#include "pipeline/upload/steps/part_sender.h"
#include "pipeline/upload/steps/payload_reader.h"

namespace pipeline {

// Thread-safe; called for as many tasks at once as the graph lets through. Throws nothing: whatever goes
// wrong is in the result.
//
//   Uploader upload({.client = client, .waiter = graph.waiter(), ...});
//   std::optional<ObjectResult> result = upload(task);  // waits, without a thread, until the request has
//   ended if (result) sink.Record(*result);
class Uploader {
 public:
  explicit Uploader(UploadContext context) : context_(std::move(context)) {}
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;

  // Returns nothing while other tasks of the object are at work, and when its input was given back to the
  // source.
  std::optional<ObjectResult> operator()(const UploadTask& task) noexcept;

 private:
  void Send(const UploadTask& task) const;

  const UploadContext context_;
  const Opener opener_{&context_};
  const PayloadReader reader_{&context_};
  const PartSender sender_{&context_, &opener_, &reader_};
  const Finisher finisher_{&context_, &reader_};
};

}  // namespace pipeline
