#include "pipeline/upload/uploader.h"

namespace pipeline {

std::optional<ObjectResult> Uploader::operator()(const UploadTask& task) noexcept {
  Object* const object = task.object.get();
  const TasksInFlight::Entry in_flight(context_.tasks, task);
  ++context_.progress->in_flight;
  RunGuarded(object, [&] { Send(task); });
  std::optional<ObjectResult> result;
  if (object->EndTask()) {
    bool is_finished = false;
    RunGuarded(object, [&] {
      result = finisher_.Finish(object);
      is_finished = true;
    });
    if (!is_finished) result = finisher_.ResultOf(*object, object->error());
  }
  --context_.progress->in_flight;
  return result;
}

void Uploader::Send(const UploadTask& task) const {
  Object* const object = task.object.get();
  if (object->failed()) return;
  if (context_.stop.stop_requested()) {
    return object->Fail(
        {.kind = s3::ErrorKind::kCancelled, .message = "the run was stopped before this file was uploaded"});
  }
  sender_.Send(task);
}

}  // namespace pipeline
