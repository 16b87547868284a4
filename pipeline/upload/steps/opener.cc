#include "pipeline/upload/steps/opener.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "pipeline/fs/io_retry.h"
#include "pipeline/upload/journaled_upload.h"
#include "s3/api/etag.h"

namespace pipeline {
namespace {

// Keeps the parts on which the journal and the store agree.
void KeepStoredParts(Object* object, const PartRecords& recorded, const std::vector<s3::ListedPart>& listed) {
  for (const auto& part : listed) {
    const auto known = recorded.find(part.number);
    if (known == recorded.end() || !s3::IsSameETag(known->second.etag, part.etag)) continue;
    if (known->second.bytes == part.bytes) object->multipart.stored_parts.insert(*known);
  }
}

// A stream and a buffer have no mtime: returns 0.
std::int64_t MtimeOf(const Object& object) { return object.is_file() ? MtimeNs(object.source.status()) : 0; }

// Returns true if `open` is an upload of this version of the file, cut into the same parts, with the same
// properties.
bool CanBeResumed(const Object& object, const OpenUpload& open) {
  if (object.is_stream() || open.outdated || !object.plan().is_multipart()) return false;
  if (const auto& own = object.file().embedded) {
    // The journal does not record the properties of one input. And only a file has a time of change that
    // tells whether an object whose completion had no response has this content.
    if (!own->properties.entries().empty() || (object.is_buffer() && open.completing)) return false;
  }
  return open.record.size_bytes == object.plan().size_bytes &&
         open.record.part_bytes == object.plan().part_bytes && open.record.mtime_ns == MtimeOf(object);
}

}  // namespace

bool Opener::Open(Object* object) const {
  if (object->BeginOpening(context_.waiter)) {
    RunGuarded(object, [&] { OpenFirst(object); });
    object->EndOpening();
  }
  return !object->failed();
}

void Opener::OpenShortStream(Object* object) const {
  object->BeginOpening(context_.waiter);
  object->properties = context_.rules->PropertiesOf(object->file(), nullptr);
  context_.console->Start(object->file());
  object->EndOpening();
}

void Opener::OpenFirst(Object* object) const {
  const bool is_file = object->is_file();
  if (is_file && !OpenSource(object)) return;
  object->properties =
      context_.rules->PropertiesOf(object->file(), is_file ? &object->source.status() : nullptr);
  if (object->file().range) return JoinPlannedUpload(object);
  if (is_file && context_.skip != nullptr && SkipIfStored(object)) return;
  context_.console->Start(object->file());
  if (const auto open = context_.history->uploads().Take(object->file())) {
    TakeOverUpload(object, *open);
    if (object->multipart.upload || object->failed()) return;
  }
  const bool is_multipart = object->is_stream() || object->plan().is_multipart();
  if (!is_multipart || (!object->is_stream() && SkipIfKeyIsTaken(object))) return;
  CreateUpload(object);
}

// Opens the file. Then waits until every later change of the file would change its timestamps, too. Returns
// false when the object has failed.
bool Opener::OpenSource(Object* object) const {
  auto opened = OpenWhenPossible(object->file());
  if (!opened) {
    object->Fail(opened.error());
    return false;
  }
  object->source = std::move(*opened);
  const auto settling = object->source.TimestampWait();
  if (settling.count() == 0) return true;
  context_.pause(settling);
  if (auto same = object->source.RefreshStatus(); !same) object->Fail(same.error());
  return !object->failed();
}

// Waits while the process or the machine has no free descriptor, because that is no error of the file.
s3::Result<OpenFile> Opener::OpenWhenPossible(const InputFile& file) const {
  constexpr std::chrono::milliseconds kFirstPause{10}, kMaxPause{1000};
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kMaxPause)) {
    auto opened = RetryIo(
        [&] {
          const s3::RunningIn reading(context_.slot_time, s3::SlotState::kReading);
          return OpenFile::Open(file);
        },
        context_.pause);
    if (opened || opened.error().code != kNoDescriptor) return opened;
    if (context_.stop.stop_requested()) {
      return s3::Fail(s3::ErrorKind::kCancelled,
                      "the run was stopped while it waited for a free file descriptor");
    }
    context_.pause(pause);
  }
}

// Returns true if nothing is to be uploaded. Also returns true after an error; then the object has failed.
bool Opener::SkipIfStored(Object* object) const {
  auto reason = RetryIo(
      [&] { return context_.skip->Find(*object, context_.client, context_.buffers, context_.waiter); },
      context_.pause);
  if (!reason) {
    object->Fail(reason.error());
    return true;
  }
  if (!reason->has_value()) return false;
  object->Skip(std::move(**reason));
  return true;
}

// Sends a HeadObject first, so that no large file is sent in vain. If HeadObject does not confirm that the
// key exists, the completion's condition decides.
bool Opener::SkipIfKeyIsTaken(Object* object) const {
  if (!s3::IsConditional(object->properties)) return false;
  if (!context_.client->HeadObject(TargetOf(*object), Observer(*object)).response) return false;
  object->Skip(kKeyExists);
  return true;
}

void Opener::TakeOverUpload(Object* object, const OpenUpload& open) const {
  if (CanBeResumed(*object, open)) {
    ResumeUpload(object, open);
  } else {
    AbortStaleUpload(object, open);
  }
}

void Opener::CreateUpload(Object* object) const {
  auto created = CreateJournaled(context_.client, TargetOf(*object), object->file(), object->plan(),
                                 MtimeOf(*object), context_.journal, context_.waiter, Observer(*object));
  object->CountAttempts(created.attempts);
  object->multipart.is_unrecorded = created.unrecorded;
  if (created.upload) object->multipart.upload.emplace(std::move(*created.upload));
  if (created.error) object->Fail(std::move(*created.error));
}

// Joins the upload that the plan has created; other runs send its other parts. Sends ListParts only if an
// earlier session has sent some of this run's parts.
void Opener::JoinPlannedUpload(Object* object) const {
  const auto& range = *object->file().range;
  context_.console->Start(object->file());
  auto& multipart = object->multipart;
  multipart.upload.emplace(context_.client, TargetOf(*object), range.token, range.upload_id);
  const auto* recorded = context_.history->uploads().PartsOfPlan(range.token);
  if (recorded == nullptr) return;
  const auto listed = multipart.upload->ListParts(Observer(*object));
  if (listed) return KeepStoredParts(object, *recorded, *listed);
  if (!s3::CannotBeRead(listed.error())) return object->Fail(listed.error());
  multipart.stored_parts = *recorded;
}

// Resumes the upload. The store's list says which parts exist, the journal which parts should exist.
void Opener::ResumeUpload(Object* object, const OpenUpload& open) const {
  auto& multipart = object->multipart;
  multipart.upload.emplace(context_.client, TargetOf(*object), open.record.token, open.record.upload_id);
  multipart.completion_was_tried = open.completing;
  const auto listed = multipart.upload->ListParts(Observer(*object));
  if (listed) return KeepStoredParts(object, open.parts, *listed);
  // Some credentials may write but not list. Then the parts in the journal are used, and the store checks
  // them at the completion.
  if (s3::CannotBeRead(listed.error())) {
    multipart.stored_parts = open.parts;
    return;
  }
  if (!s3::IsNoSuchUpload(listed.error())) return object->Fail(listed.error());
  // Perhaps the upload was completed by a session that ended before it got the response.
  auto own = multipart.upload->FindOwnObject(object->plan().size_bytes, Observer(*object));
  if (own.response) {
    object->Store({std::move(*own.response), object->plan().size_bytes, "", ""});
    return;
  }
  multipart.upload.reset();
  if (own.response.error().kind == s3::ErrorKind::kCancelled) return object->Fail(own.response.error());
  Record(context_, object, GoneLine(open.record.token));
}

// Aborts an upload that can't be resumed: the file has changed, is cut into other parts, or gets other
// properties.
void Opener::AbortStaleUpload(Object* object, const OpenUpload& open) const {
  const s3::MultipartUpload upload(context_.client, TargetOf(*object), open.record.token,
                                   open.record.upload_id);
  const auto aborted = upload.Abort(Observer(*object));
  if (!aborted.response) return object->Fail(aborted.response.error());
  Record(context_, object, GoneLine(open.record.token));
}

}  // namespace pipeline
