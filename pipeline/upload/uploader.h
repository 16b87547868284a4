// The function of the upload node. It turns each task into one request. The last task of an object also makes
// the object's result.
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

// Thread-safe: the graph calls it for many tasks at the same time. Throws nothing: all errors are in the
// result.
//
//   Uploader upload({.client = client, .waiter = graph.waiter(), ...});
//   const auto result = upload(task);  // suspends the task until the request has ended
//   if (result) sink.Record(*result);
class Uploader {
 public:
  explicit Uploader(UploadContext context) : context_(std::move(context)) {}
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;

  // Returns nothing if other tasks of the object have not ended, or if the input was given back to the
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
