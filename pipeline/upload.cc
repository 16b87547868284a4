#include "pipeline/upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "s3/hash.h"

namespace pipeline {
namespace {

std::string_view AsText(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

s3::Error Local(std::string message) {
  return {.kind = s3::ErrorKind::kLocal, .message = std::move(message)};
}

// Runs `work`; an exception becomes the object's error.
template <typename Work>
void Guarded(Object* object, const Work& work) noexcept {
  try {
    work();
  } catch (const std::bad_alloc&) {
    object->Fail(Local("out of memory"));
  } catch (const std::exception& error) {
    object->Fail(Local(error.what()));
  }
}

bool IsConditional(const Object& object) { return object.properties.Find("if-none-match") != nullptr; }

}  // namespace

std::optional<ObjectResult> Uploader::operator()(const UploadTask& task) noexcept {
  Object* const object = task.object.get();
  ++context_.progress->in_flight;
  Guarded(object, [&] { Send(task); });
  std::optional<ObjectResult> result;
  if (object->EndTask()) {
    bool ended = false;
    Guarded(object, [&] {
      result = End(object);
      ended = true;
    });
    if (!ended) result = ResultOf(*object, object->error());
  }
  --context_.progress->in_flight;
  return result;
}

void Uploader::Send(const UploadTask& task) {
  Object* const object = task.object.get();
  if (object->failed()) return;
  if (context_.stop.stop_requested()) {
    return object->Fail(
        {.kind = s3::ErrorKind::kCancelled, .message = "the run was stopped before this file"});
  }
  if (object->stream() != nullptr) return SendStreamPart(task);
  SendFilePart(task);
}

// Takes memory only when the object has begun: those who wait for its creation hold none.
void Uploader::SendFilePart(const UploadTask& task) {
  Object* const object = task.object.get();
  const auto range = object->plan().Range(task.number);
  if (!Begin(object)) return;
  const auto buffer = context_.buffers->Take(range.bytes, context_.waiter);
  if (object->failed()) return;
  if (auto read = object->source.Read(range.offset, buffer.bytes()); !read) return object->Fail(read.error());
  if (object->plan().is_multipart()) return SendPart(object, task.number, buffer.bytes());
  if (auto same = object->source.CheckUnchanged(); !same) return object->Fail(same.error());
  SendWhole(object, buffer.bytes());
}

// Parts are read one after the other; the next one is announced as soon as this one is read.
void Uploader::SendStreamPart(const UploadTask& task) {
  Object* const object = task.object.get();
  auto plan_options = context_.options->plan;
  plan_options.max_body_bytes = context_.stream_part_bytes;
  const auto& limits = context_.options->store_limits;
  const auto buffer =
      context_.buffers->Take(s3::StreamPartBytes(task.number, plan_options, limits), context_.waiter);
  const auto part = object->stream()->Read(buffer.bytes(), context_.waiter);
  if (!part) return object->Fail(part.error());
  if (!part->last && task.number == limits.max_parts) {
    return object->Fail({.kind = s3::ErrorKind::kUnsupported,
                         .message = fmt::format("the stream goes on after {} parts", limits.max_parts)});
  }
  const bool whole = task.number == 1 && part->last;
  if (!part->last) {
    object->AddTask();
    context_.stream_ready(task.object, task.number + 1);
  }
  if (whole) {
    object->properties = context_.rules->PropertiesOf(object->file(), nullptr);
    context_.console->Start(object->file());
    return SendWhole(object, buffer.bytes().first(part->bytes));
  }
  if (Begin(object)) SendPart(object, task.number, buffer.bytes().first(part->bytes));
}

// The first task opens the file and creates the upload; the others wait for it. False when the
// object has failed.
bool Uploader::Begin(Object* object) {
  if (object->start.Enter(context_.waiter)) {
    Guarded(object, [&] { Open(object); });
    object->start.Done();
  }
  return !object->failed();
}

void Uploader::Open(Object* object) {
  const bool is_file = object->stream() == nullptr;
  if (is_file) {
    auto opened = OpenFile::Open(object->file());
    if (!opened) return object->Fail(opened.error());
    object->source = std::move(*opened);
    if (const auto settling = object->source.Settling(); settling.count() > 0) {
      context_.pause(settling);
      if (auto same = object->source.CheckUnchanged(); !same) return object->Fail(same.error());
    }
  }
  object->properties =
      context_.rules->PropertiesOf(object->file(), is_file ? &object->source.status() : nullptr);
  context_.console->Start(object->file());
  if (!is_file || object->plan().is_multipart()) CreateUpload(object);
}

void Uploader::CreateUpload(Object* object) {
  object->upload.emplace(context_.client, TargetOf(*object));
  const auto created = object->upload->Create(Observer(*object));
  object->CountAttempts(created.attempts);
  if (created.answer) return;
  object->upload.reset();
  object->Fail(created.answer.error());
}

void Uploader::SendWhole(Object* object, std::span<const char> bytes) {
  auto payload = s3::MakePayload(AsText(bytes), context_.client->integrity());
  const auto token = IsConditional(*object) ? s3::HexEncode(s3::RandomBytes(16)) : "";
  auto settled = context_.client->PutObject(TargetOf(*object), payload, token, Observer(*object));
  object->CountAttempts(settled.attempts);
  if (!settled.answer) return object->Fail(settled.answer.error());
  context_.progress->settled_bytes += bytes.size();
  object->whole = WholeObject{std::move(*settled.answer), bytes.size(), std::move(payload.sha256),
                              std::move(payload.checksum)};
}

void Uploader::SendPart(Object* object, int number, std::span<const char> bytes) {
  const auto payload = s3::MakePayload(AsText(bytes), context_.client->integrity());
  auto settled = object->upload->UploadPart(number, payload, Observer(*object));
  object->CountAttempts(settled.attempts);
  if (!settled.answer) return object->Fail(settled.answer.error());
  context_.progress->settled_bytes += bytes.size();
  object->AddPart({number, bytes.size(), settled.answer->etag, payload.checksum});
}

s3::RetryObserver Uploader::Observer(const Object& object) const {
  return [this, &object](const s3::RetryEvent& event) {
    ++context_.progress->retries;
    context_.console->Retry(object.file(), event);
  };
}

std::optional<ObjectResult> Uploader::End(Object* object) {
  auto error = object->error();
  bool tried = false;
  if (object->upload && !error) {
    error = Complete(object);
    tried = true;
  }
  if (object->upload && error) error = Abandon(object, *error, tried);
  if (object->upload && !error) error = EnsureTags(object);
  if (!error) Verify(object, &error);
  const bool changed = error && error->kind == s3::ErrorKind::kChanged && object->stream() == nullptr;
  if (changed && object->restarts < context_.options->changed_file_retries &&
      !context_.stop.stop_requested()) {
    ++context_.progress->retries;
    context_.again(*object);
    return std::nullopt;
  }
  return ResultOf(*object, std::move(error));
}

std::optional<s3::Error> Uploader::Complete(Object* object) {
  if (object->stream() == nullptr) {
    if (auto same = object->source.CheckUnchanged(); !same) return same.error();
  } else if (context_.stop.stop_requested()) {
    // Whoever interrupts a pipeline ends its writer, too: that end of the stream is none.
    return s3::Error{.kind = s3::ErrorKind::kCancelled,
                     .message = "the run was stopped: a stream is not completed then"};
  }
  const auto bytes = object->stream() == nullptr ? object->plan().size_bytes : object->bytes();
  auto settled = object->upload->Complete(object->parts(), bytes, Observer(*object));
  object->CountAttempts(settled.attempts);
  if (!settled.answer) return settled.answer.error();
  object->whole = WholeObject{std::move(*settled.answer), bytes, "", object->upload->object_checksum()};
  return std::nullopt;
}

std::optional<s3::Error> Uploader::EnsureTags(Object* object) {
  const auto tagged = object->upload->EnsureTags(Observer(*object));
  if (tagged.answer) return std::nullopt;
  auto error = tagged.answer.error();
  error.message = "the object is uploaded, but its tags are not set: " + error.message;
  return error;
}

// The upload is not to be: it is taken away, so that nothing is left in the store that nobody sees
// and somebody pays for. Once it is gone, whether a completion came through after all is certain.
std::optional<s3::Error> Uploader::Abandon(Object* object, s3::Error error, bool completion_was_tried) {
  const auto aborted = object->upload->Abort(Observer(*object));
  if (!aborted.answer) {
    error.message +=
        fmt::format("; its multipart upload {} could not be aborted and is left in the store: {}",
                    object->upload->upload_id(), aborted.answer.error().message);
    return error;
  }
  if (!completion_was_tried || error.kind == s3::ErrorKind::kIntegrity ||
      error.kind == s3::ErrorKind::kChanged) {
    return error;
  }
  const auto bytes = object->bytes();
  auto ours = object->upload->LookForOurs(bytes, Observer(*object));
  if (!ours.answer) return error;
  object->whole = WholeObject{std::move(*ours.answer), bytes, "", object->upload->object_checksum()};
  return std::nullopt;
}

void Uploader::Verify(Object* object, std::optional<s3::Error>* error) {
  if (!context_.client->integrity().verify_head) return;
  const auto& whole = *object->whole;
  auto verified = context_.client->VerifyObject(TargetOf(*object), whole.bytes, whole.answer.etag,
                                                whole.checksum, Observer(*object));
  if (!verified.answer) *error = verified.answer.error();
}

ObjectResult Uploader::ResultOf(const Object& object, std::optional<s3::Error> error) const {
  ObjectResult result;
  result.file = object.shared_file();
  result.size_bytes = object.whole ? object.whole->bytes : object.file().size_bytes;
  result.attempts = object.attempts();
  result.parts = static_cast<int>(object.parts().size());
  result.seconds = Object::Clock::now() - object.began;
  if (error) {
    // Nothing is wrong with an object that nobody may sign for now: the next run uploads it.
    const bool cancelled =
        error->kind == s3::ErrorKind::kCancelled || error->kind == s3::ErrorKind::kNoCredentials;
    result.outcome = cancelled ? Outcome::kCancelled : Outcome::kFailed;
    if (error->http_status == 412 && IsConditional(object)) {
      result.outcome = Outcome::kSkipped;
      result.reason = "the key exists (if_none_match)";
    } else {
      result.error = std::move(error);
    }
    return result;
  }
  result.outcome = Outcome::kUploaded;
  result.etag = object.whole->answer.etag;
  result.version_id = object.whole->answer.version_id;
  result.request_id = object.whole->answer.request_id;
  result.sha256 = object.whole->sha256;
  result.checksum = object.whole->checksum;
  result.algorithm = context_.client->integrity().checksum;
  return result;
}

}  // namespace pipeline
