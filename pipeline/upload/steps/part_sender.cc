#include "pipeline/upload/steps/part_sender.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "pipeline/fs/io_retry.h"
#include "s3/hash/hash.h"

namespace pipeline {

void PartSender::Send(const UploadTask& task) const {
  if (task.object->is_stream()) {
    SendStreamPart(task);
  } else if (task.object->is_buffer()) {
    SendBufferPart(task);
  } else {
    SendFilePart(task);
  }
}

// Takes memory only after the object is open, so tasks that wait for the opening hold no memory.
void PartSender::SendFilePart(const UploadTask& task) const {
  Object* const object = task.object.get();
  if (!opener_.Open(object) || object->state() != ObjectState::kSending) return;
  const auto buffer = context_.buffers->Take(object->plan().Range(task.number).bytes, context_.waiter);
  if (object->failed()) return;
  const auto sent = RetryIo([&] { return ReadAndSend(object, task, buffer.bytes()); }, context_.pause);
  if (!sent) object->Fail(sent.error());
}

s3::Result<void> PartSender::ReadAndSend(Object* object, const UploadTask& task,
                                         std::span<char> memory) const {
  const auto offset = object->plan().Range(task.number).offset;
  auto payload = reader_.Read(*object, offset, memory);
  if (!payload) return tl::unexpected(std::move(payload.error()));
  if (object->plan().is_multipart()) return SendPart(object, task.number, *payload);
  if (auto same = reader_.CheckPayload(*object, offset, memory, *payload); !same) return same;
  return SendWhole(object, std::move(*payload));
}

// The bytes are sent from where they are. They are not in the budget, because the embedding program has
// allocated them.
void PartSender::SendBufferPart(const UploadTask& task) const {
  Object* const object = task.object.get();
  if (!opener_.Open(object) || object->state() != ObjectState::kSending) return;
  const auto [offset, size] = object->plan().Range(task.number);
  const auto payload = reader_.Digest(object->file().embedded->bytes->subspan(offset, size));
  const auto sent =
      object->plan().is_multipart() ? SendPart(object, task.number, payload) : SendWhole(object, payload);
  if (!sent) object->Fail(sent.error());
}

// A stream's parts are read one after the other. The task of the next part is announced as soon as this part
// is read.
void PartSender::SendStreamPart(const UploadTask& task) const {
  Object* const object = task.object.get();
  auto plan_options = context_.options->plan;
  plan_options.max_body_bytes = context_.stream_part_bytes;
  const auto& limits = context_.options->store_limits;
  const auto buffer =
      context_.buffers->Take(s3::StreamPartBytes(task.number, plan_options, limits), context_.waiter);
  const auto part = object->stream()->Read(buffer.bytes(), context_.waiter);
  if (!part) return object->Fail(part.error());
  if (!part->last && task.number == limits.max_parts) {
    return object->Fail(
        {.kind = s3::ErrorKind::kUnsupported,
         .message = fmt::format("the stream is longer than {} parts: raise upload.part_size or limits.memory",
                                limits.max_parts)});
  }
  const auto bytes = buffer.bytes().first(part->bytes);
  if (!part->last) {
    object->AddTask();
    context_.stream_ready(task.object, task.number + 1);
  }
  s3::Result<void> sent;
  if (task.number == 1 && part->last) {
    opener_.OpenShortStream(object);
    sent = SendWhole(object, reader_.Digest(bytes));
  } else if (opener_.Open(object)) {
    sent = SendPart(object, task.number, reader_.Digest(bytes));
  }
  if (!sent) object->Fail(std::move(sent.error()));
}

s3::Result<void> PartSender::SendWhole(Object* object, s3::Payload payload) const {
  const auto bytes = payload.size();
  const auto token = s3::IsConditional(object->properties) ? s3::HexEncode(s3::RandomBytes(16)) : "";
  auto put = context_.client->PutObject(TargetOf(*object), payload, token, Observer(*object));
  object->CountAttempts(put.attempts);
  if (!put.response) return tl::unexpected(std::move(put.response.error()));
  if (auto same = payload.check_file ? payload.check_file() : s3::Result<void>(); !same) {
    same.error().message += "; if the store compares no digests, its object may be a mix of both versions";
    return same;
  }
  context_.progress->done_bytes += bytes;
  object->Store({std::move(*put.response), bytes, std::move(payload.sha256), std::move(payload.checksum)});
  return {};
}

s3::Result<void> PartSender::SendPart(Object* object, int number, const s3::Payload& payload) const {
  auto digest = PartDigest(payload);
  if (ReuseStoredPart(object, number, payload, &digest)) return {};
  const auto bytes = payload.size();
  const auto& upload = *object->multipart.upload;
  auto sent = upload.UploadPart(number, payload, Observer(*object));
  object->CountAttempts(sent.attempts);
  if (!sent.response) return tl::unexpected(std::move(sent.response.error()));
  context_.progress->done_bytes += bytes;
  const auto& etag = sent.response->etag;
  Record(context_, object, PartLine({upload.token(), number, bytes, etag, digest, payload.checksum}));
  object->AddPart({number, bytes, etag, payload.checksum}, std::move(digest), false);
  return {};
}

// Returns true if an earlier session has sent the same bytes as this part. In that case, adds the part to the
// object and moves from `digest`.
bool PartSender::ReuseStoredPart(Object* object, int number, const s3::Payload& payload,
                                 std::string* digest) const {
  const auto& stored_parts = object->multipart.stored_parts;
  const auto stored = stored_parts.find(number);
  const auto bytes = payload.size();
  if (stored == stored_parts.end() || stored->second.bytes != bytes || stored->second.digest != *digest) {
    return false;
  }
  context_.progress->done_bytes += bytes;
  object->AddPart({number, bytes, stored->second.etag, payload.checksum}, std::move(*digest), true);
  return true;
}

}  // namespace pipeline
