// How an object begins: its file is opened, what the store has is left alone, an upload that an earlier
// session left is gone on with, or a new one is created.
#include <algorithm>

#include "pipeline/fs/io_retry.h"
#include "pipeline/upload/guarded.h"
#include "pipeline/upload/journaled_upload.h"
#include "pipeline/upload/upload.h"
#include "s3/api/etag.h"

namespace pipeline {
namespace {

// What both the journal and the store know.
void KeepStored(Object* object, const PartRecords& recorded, const std::vector<s3::ListedPart>& listed) {
  for (const auto& part : listed) {
    const auto known = recorded.find(part.number);
    if (known == recorded.end() || !s3::IsSameETag(known->second.etag, part.etag)) continue;
    if (known->second.bytes == part.bytes) object->stored_parts.insert(*known);
  }
}

}  // namespace

// The first task opens the file and creates the upload; the others wait for it. False when the
// object has failed.
bool Uploader::Begin(Object* object) {
  if (object->start.Enter(context_.waiter)) {
    Guarded(object, [&] { Open(object); });
    object->start.Done();
  }
  return !object->failed();
}

// Waits while no descriptor is left: that is no fault of the file's.
s3::Result<OpenFile> Uploader::OpenSource(const InputFile& file) {
  constexpr std::chrono::milliseconds kFirstPause{10}, kLongestPause{1000};
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    auto opened = RetryIo([&] { return OpenFile::Open(file); }, context_.pause);
    if (opened || opened.error().code != kNoDescriptor) return opened;
    if (context_.stop.stop_requested()) {
      return s3::Fail(s3::ErrorKind::kCancelled, "the run was stopped while no file could be opened");
    }
    context_.pause(pause);
  }
}

void Uploader::Open(Object* object) {
  const bool is_file = object->stream() == nullptr;
  if (is_file) {
    auto opened = OpenSource(object->file());
    if (!opened) return object->Fail(opened.error());
    object->source = std::move(*opened);
    if (const auto settling = object->source.Settling(); settling.count() > 0) {
      context_.pause(settling);
      if (auto settled = object->source.Settle(); !settled) return object->Fail(settled.error());
    }
  }
  object->properties =
      context_.rules->PropertiesOf(object->file(), is_file ? &object->source.status() : nullptr);
  if (object->file().range) return Join(object);
  if (is_file && context_.skip != nullptr && IsThere(object)) return;
  context_.console->Start(object->file());
  if (const auto open = context_.history->uploads().Take(object->file())) {
    const bool same = is_file && !open->outdated && open->record.size_bytes == object->plan().size_bytes &&
                      open->record.part_bytes == object->plan().part_bytes &&
                      open->record.mtime_ns == MtimeNs(object->source.status());
    if (same && object->plan().is_multipart()) {
      GoOn(object, *open);
    } else {
      Discard(object, *open);
    }
    if (object->upload || object->failed()) return;
  }
  if (is_file && object->plan().is_multipart() && IsTaken(object)) return;
  if (!is_file || object->plan().is_multipart()) CreateUpload(object);
}

// Saves a large file that would be refused at its end from being sent. Whatever else the answer says, the
// completion decides.
bool Uploader::IsTaken(Object* object) {
  if (!s3::IsConditional(object->properties)) return false;
  if (!context_.client->HeadObject(TargetOf(*object), Observer(*object)).answer) return false;
  object->skip_reason = kKeyExists;
  return true;
}

// True when there is nothing to upload, or when that cannot be told.
bool Uploader::IsThere(Object* object) {
  auto reason = RetryIo(
      [&] { return context_.skip->Find(*object, context_.client, context_.buffers, context_.waiter); },
      context_.pause);
  if (!reason) {
    object->Fail(reason.error());
    return true;
  }
  object->skip_reason = reason->value_or("");
  return reason->has_value();
}

// A line that cannot be written has stopped the run: see Journal's on_failure.
bool Uploader::Record(Object* object, const std::string& line) {
  if (context_.journal->Append(line)) return true;
  object->Fail({.kind = s3::ErrorKind::kCancelled, .message = "the journal cannot be written"});
  return false;
}

void Uploader::CreateUpload(Object* object) {
  const bool is_file = object->stream() == nullptr;
  auto made = CreateJournaled(context_.client, TargetOf(*object), object->file(), object->plan(),
                              is_file ? MtimeNs(object->source.status()) : 0, context_.journal,
                              context_.waiter, Observer(*object));
  object->CountAttempts(made.attempts);
  object->unrecorded = made.unrecorded;
  if (made.upload) object->upload.emplace(std::move(*made.upload));
  if (made.error) object->Fail(std::move(*made.error));
}

// The upload that the plan has created. Asks what is there only when an earlier session has sent some of it.
void Uploader::Join(Object* object) {
  const auto& range = *object->file().range;
  context_.console->Start(object->file());
  object->upload.emplace(context_.client, TargetOf(*object), range.token, range.upload_id);
  const auto* sent = context_.history->uploads().PartsOfPlan(range.token);
  if (sent == nullptr) return;
  const auto listed = object->upload->ListParts(Observer(*object));
  if (listed) return KeepStored(object, *sent, *listed);
  if (!s3::CannotBeRead(listed.error())) return object->Fail(listed.error());
  object->stored_parts = *sent;
}

// The store's list is the truth about what is there, the journal about what it should be.
void Uploader::GoOn(Object* object, const OpenUpload& open) {
  object->upload.emplace(context_.client, TargetOf(*object), open.record.token, open.record.upload_id);
  object->completion_was_tried = open.completing;
  const auto listed = object->upload->ListParts(Observer(*object));
  if (listed) {
    return KeepStored(object, open.parts, *listed);
  }
  // A key may not list what it has sent: then the journal tells, and the store checks it at the completion.
  if (s3::CannotBeRead(listed.error())) {
    object->stored_parts = open.parts;
    return;
  }
  if (!s3::IsNoSuchUpload(listed.error())) return object->Fail(listed.error());
  // Completed, perhaps, by a session that did not live to hear of it.
  auto ours = object->upload->FindOwnObject(object->plan().size_bytes, Observer(*object));
  if (ours.answer) {
    object->whole = WholeObject{std::move(*ours.answer), object->plan().size_bytes, "", ""};
    return;
  }
  object->upload.reset();
  if (ours.answer.error().kind == s3::ErrorKind::kCancelled) return object->Fail(ours.answer.error());
  Record(object, GoneLine(open.record.token));
}

// The file is another now, is cut in another way, or is to be stored with other properties.
void Uploader::Discard(Object* object, const OpenUpload& open) {
  const s3::MultipartUpload upload(context_.client, TargetOf(*object), open.record.token,
                                   open.record.upload_id);
  const auto aborted = upload.Abort(Observer(*object));
  if (!aborted.answer) return object->Fail(aborted.answer.error());
  Record(object, GoneLine(open.record.token));
}

}  // namespace pipeline
