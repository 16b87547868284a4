#include "pipeline/upload/upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "pipeline/fs/io_retry.h"
#include "pipeline/upload/guarded.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

std::string_view AsText(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

// What is smaller fits into one send with the head before it.
constexpr std::uint64_t kMinWholeFromFile = 256 << 10;

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
  if (!Begin(object) || object->whole || !object->skip_reason.empty()) return;
  const auto buffer = context_.buffers->Take(object->plan().Range(task.number).bytes, context_.waiter);
  if (object->failed()) return;
  const auto sent = RetryIo([&] { return ReadAndSend(object, task, buffer.bytes()); }, context_.pause);
  if (!sent) object->Fail(sent.error());
}

s3::Result<void> Uploader::ReadAndSend(Object* object, const UploadTask& task, std::span<char> room) {
  const auto offset = object->plan().Range(task.number).offset;
  auto payload = ReadPayload(*object, offset, room);
  if (!payload) return tl::unexpected(std::move(payload.error()));
  if (object->plan().is_multipart()) return SendPart(object, task.number, *payload);
  if (auto same = CheckPayload(*object, offset, room, *payload); !same) return same;
  return SendWhole(object, std::move(*payload));
}

// Of what is sent from a file it is known only afterwards whether it was what is digested. That is in time
// for a part, before the completion, and for an object that the store refuses when its signed digest is not
// its own. With a condition it would stand in its own way when it is sent once more. A file whose changes
// nobody asks for is read once: what is sent is what was digested.
bool Uploader::SendsFromFile(const Object& object) const {
  const bool may_change = object.file().reading.change_check == ChangeCheck::kNone;
  if (may_change || !object.source.stays_in_page_cache() || !context_.client->SendsFromFiles()) return false;
  if (object.plan().is_multipart()) return true;
  return object.plan().size_bytes >= kMinWholeFromFile && !s3::IsConditional(object.properties) &&
         context_.client->integrity().payload == s3::PayloadMode::kSha256;
}

// Digested while it is in the cache: read into all of `room`, or, to be sent from the file, into its front
// again and again. The rest of it then stands for what the part keeps of the page cache until it is sent.
s3::Result<s3::Payload> Uploader::ReadPayload(const Object& object, std::uint64_t offset,
                                              std::span<char> room) const {
  const bool from_file = SendsFromFile(object);
  s3::PayloadDigests digests(context_.client->integrity());
  const auto piece_bytes = object.source.read_bytes(s3::PayloadDigests::kPieceBytes);
  std::size_t at = 0;
  const auto next = [&]() -> s3::Result<std::string_view> {
    const auto piece = room.subspan(from_file ? 0 : at, std::min(piece_bytes, room.size() - at));
    if (auto read = object.source.Read(offset + at, piece); !read) return tl::unexpected(read.error());
    at += piece.size();
    return AsText(piece);
  };
  // Whoever waits for a lane has its bytes fetched meanwhile. Where nothing can be fetched ahead, payloads
  // that are digested together would be read one after the other.
  const bool fetched = object.source.Prefetch(offset, room.size());
  auto digested = fetched ? context_.lanes->Digest(room.size(), next, &digests)
                          : DigestScheduler::DigestAlone(next, &digests);
  if (!digested) return tl::unexpected(std::move(digested.error()));
  if (!from_file) return digests.Finish(AsText(room));
  auto payload = digests.Finish(object.source.Range(offset, room.size()), nullptr);
  payload.check_file = [this, &object, offset, room, digest = PartDigest(payload)] {
    return ReadsStill(object, offset, room, digest);
  };
  return payload;
}

s3::Payload Uploader::Digest(std::span<const char> bytes) const {
  s3::PayloadDigests digests(context_.client->integrity());
  auto left = AsText(bytes);
  const auto next = [&left]() -> s3::Result<std::string_view> {
    const auto piece = left.substr(0, s3::PayloadDigests::kPieceBytes);
    left.remove_prefix(piece.size());
    return piece;
  };
  (void)context_.lanes->Digest(bytes.size(), next, &digests);  // what is in memory can be read
  return digests.Finish(AsText(bytes));
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
  const auto bytes = buffer.bytes().first(part->bytes);
  if (!part->last) {
    object->AddTask();
    context_.stream_ready(task.object, task.number + 1);
  }
  s3::Result<void> sent;
  if (whole) {
    object->properties = context_.rules->PropertiesOf(object->file(), nullptr);
    context_.console->Start(object->file());
    sent = SendWhole(object, Digest(bytes));
  } else if (Begin(object)) {
    sent = SendPart(object, task.number, Digest(bytes));
  }
  if (!sent) object->Fail(std::move(sent.error()));
}

s3::Result<void> Uploader::SendWhole(Object* object, s3::Payload payload) {
  const auto bytes = payload.size();
  const auto token = s3::IsConditional(object->properties) ? s3::HexEncode(s3::RandomBytes(16)) : "";
  auto settled = context_.client->PutObject(TargetOf(*object), payload, token, Observer(*object));
  object->CountAttempts(settled.attempts);
  if (!settled.answer) return tl::unexpected(std::move(settled.answer.error()));
  if (auto same = payload.check_file ? payload.check_file() : s3::Result<void>(); !same) {
    same.error().message += "; a store that compares no digests may hold neither version of it";
    return same;
  }
  context_.progress->settled_bytes += bytes;
  object->whole =
      WholeObject{std::move(*settled.answer), bytes, std::move(payload.sha256), std::move(payload.checksum)};
  return {};
}

s3::Result<void> Uploader::SendPart(Object* object, int number, const s3::Payload& payload) {
  const auto bytes = payload.size();
  auto digest = PartDigest(payload);
  const auto stored = object->stored_parts.find(number);
  if (stored != object->stored_parts.end() && stored->second.bytes == bytes &&
      stored->second.digest == digest) {
    context_.progress->settled_bytes += bytes;
    object->AddPart({number, bytes, stored->second.etag, payload.checksum}, std::move(digest), true);
    return {};
  }
  auto settled = object->upload->UploadPart(number, payload, Observer(*object));
  object->CountAttempts(settled.attempts);
  if (!settled.answer) return tl::unexpected(std::move(settled.answer.error()));
  context_.progress->settled_bytes += bytes;
  const auto& etag = settled.answer->etag;
  Record(object, PartLine({object->upload->token(), number, bytes, etag, digest, payload.checksum}));
  object->AddPart({number, bytes, etag, payload.checksum}, std::move(digest), false);
  return {};
}

s3::RetryObserver Uploader::Observer(const Object& object) const {
  return [this, &object](const s3::RetryEvent& event) {
    ++context_.progress->retries;
    context_.console->Retry(object.file(), event);
  };
}

std::optional<ObjectResult> Uploader::End(Object* object) {
  if (object->file().range) return EndRange(object);
  auto error = object->error();
  if (!error && !object->skip_reason.empty()) return SkippedResult(*object);
  bool tried = object->completion_was_tried;
  if (object->upload && !object->whole && !error) {
    error = Complete(object);
    tried = true;
  }
  if (object->upload && error) error = Abandon(object, *error, tried);
  if (object->upload && !error) error = EnsureTags(object);
  if (!error) Verify(object, &error);
  if (error && BeginsAgain(object, *error)) return std::nullopt;
  return ResultOf(*object, std::move(error));
}

// A stream is gone once it was read.
bool Uploader::BeginsAgain(Object* object, const s3::Error& error) {
  if (object->stream() != nullptr || context_.stop.stop_requested()) return false;
  if (error.kind == s3::ErrorKind::kChanged) {
    const bool is_lost = object->file().planned && error.system_error == 0;  // a plan is about one version
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
  context_.again(*object);
  return true;
}

// Whatever it met, the upload is the plan's: `finish` ends it.
ObjectResult Uploader::EndRange(Object* object) {
  auto error = object->error();
  if (!error) {
    if (auto same = CheckParts(*object); !same) error = same.error();
  }
  auto result = ResultOf(*object, error);
  result.size_bytes = object->bytes();
  if (!error) result.outcome = Outcome::kSent;
  return result;
}

std::optional<s3::Error> Uploader::Complete(Object* object) {
  if (object->stream() == nullptr) {
    if (auto same = CheckParts(*object); !same) return same.error();
  } else if (context_.stop.stop_requested()) {
    // Whoever interrupts a pipeline ends its writer, too: that end of the stream is none.
    return s3::Error{.kind = s3::ErrorKind::kCancelled,
                     .message = "the run was stopped: a stream is not completed then"};
  }
  if (!Record(object, CompletingLine(object->upload->token()))) return object->error();
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

// A run that is stopped leaves the upload to the next session, which goes on with it. Else the upload is
// not to be: it is taken away, so that nothing is left in the store that nobody sees
// and somebody pays for. AsyncOnce it is gone, whether a completion came through after all is certain.
std::optional<s3::Error> Uploader::Abandon(Object* object, s3::Error error, bool completion_was_tried) {
  const bool stopped = error.kind == s3::ErrorKind::kCancelled || error.kind == s3::ErrorKind::kNoCredentials;
  if (stopped && object->stream() == nullptr && !object->unrecorded) return error;
  const auto aborted = object->upload->Abort(Observer(*object));
  if (!aborted.answer) {
    error.message +=
        fmt::format("; its multipart upload {} could not be aborted and is left in the store: {}",
                    object->upload->upload_id(), aborted.answer.error().message);
    return error;
  }
  (void)context_.journal->Append(GoneLine(object->upload->token()));
  if (!completion_was_tried || error.kind == s3::ErrorKind::kIntegrity ||
      error.kind == s3::ErrorKind::kChanged) {
    return error;
  }
  const auto bytes = object->bytes();
  auto ours = object->upload->FindOwnObject(bytes, Observer(*object));
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

ObjectResult Uploader::SkippedResult(const Object& object) const {
  ObjectResult result;
  result.file = object.shared_file();
  result.outcome = Outcome::kSkipped;
  result.reason = object.skip_reason;
  result.size_bytes = object.file().size_bytes;
  result.mtime_ns = MtimeNs(object.source.status());
  result.seconds = Object::Clock::now() - object.began;
  return result;
}

ObjectResult Uploader::ResultOf(const Object& object, std::optional<s3::Error> error) const {
  ObjectResult result;
  result.file = object.shared_file();
  result.size_bytes = object.whole ? object.whole->bytes : object.file().size_bytes;
  result.attempts = object.attempts();
  result.parts = static_cast<int>(object.parts().size());
  result.reused_parts = object.reused_parts();
  result.mtime_ns = object.stream() == nullptr && object.source.is_open() ? MtimeNs(object.source.status())
                                                                          : object.file().mtime_ns;
  result.seconds = Object::Clock::now() - object.began;
  if (error) {
    // Nothing is wrong with an object that nobody may sign for now: the next run uploads it.
    const bool cancelled =
        error->kind == s3::ErrorKind::kCancelled || error->kind == s3::ErrorKind::kNoCredentials;
    result.outcome = cancelled ? Outcome::kCancelled : Outcome::kFailed;
    if (s3::SaysItExists(*error) && s3::IsConditional(object.properties)) {
      result.outcome = Outcome::kSkipped;
      result.reason = kKeyExists;
    } else {
      result.error = std::move(error);
    }
    return result;
  }
  if (!object.whole) return result;  // a range of one
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
