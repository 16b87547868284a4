#include "pipeline/plan/shared_upload.h"

#include <fmt/format.h>

#include <vector>

#include "pipeline/fs/io_retry.h"
#include "pipeline/journal/record.h"
#include "pipeline/source/open_file.h"
#include "s3/api/etag.h"
#include "s3/base/waiter.h"
#include "s3/part_plan.h"

namespace pipeline {
namespace {

constexpr auto kUnobserved = [](const s3::RetryEvent&) {};

// What the store has, against what the shards say; nothing when they agree.
std::optional<s3::Error> Compare(const SharedUpload& upload, const std::vector<s3::ListedPart>& listed) {
  std::map<int, const s3::ListedPart*> there;
  for (const auto& part : listed) there[part.number] = &part;
  for (const auto& [number, sent] : upload.parts) {
    const auto found = there.find(number);
    if (found != there.end() && s3::IsSameETag(found->second->etag, sent.etag) &&
        found->second->bytes == sent.bytes)
      continue;
    return s3::Error{.kind = s3::ErrorKind::kIntegrity,
                     .message = fmt::format("part {} is not in the store as its shard has sent it", number)};
  }
  return std::nullopt;
}

class Completion {
 public:
  Completion(const SharedUpload& joint, s3::Client* client, Journal* journal, const PropertyRules& rules)
      : joint_(joint),
        client_(client),
        journal_(journal),
        properties_(PropertiesOf(joint, rules)),
        upload_(client, {joint.file->key, &properties_}, joint.open.record.token,
                joint.open.record.upload_id) {}

  ObjectResult Run() {
    auto answer = Response();
    ObjectResult result;
    result.file = joint_.file;
    result.size_bytes = Bytes();
    result.mtime_ns = joint_.open.record.mtime_ns;
    result.parts = joint_.part_count();
    result.attempts = attempts_;
    result.seconds = std::chrono::steady_clock::now() - began_;
    if (!answer && s3::SaysItExists(answer.error()) && s3::IsConditional(properties_)) {
      return Skipped(std::move(result));
    }
    if (!answer) {
      result.outcome =
          answer.error().kind == s3::ErrorKind::kCancelled ? Outcome::kCancelled : Outcome::kFailed;
      result.error = std::move(answer.error());
      return result;
    }
    result.outcome = Outcome::kUploaded;
    result.etag = answer->etag;
    result.version_id = answer->version_id;
    result.request_id = answer->request_id;
    result.checksum = upload_.object_checksum();
    result.algorithm = client_->integrity().checksum;
    return result;
  }

 private:
  static s3::ObjectProperties PropertiesOf(const SharedUpload& joint, const PropertyRules& rules) {
    // The file may be gone; its bytes are not asked for.
    const auto opened = RetryIo([&joint] { return OpenFile::Open(*joint.file); });
    return rules.PropertiesOf(*joint.file, opened ? &opened->status() : nullptr);
  }

  // The key is another writer's: the upload will not be completed.
  ObjectResult Skipped(ObjectResult result) {
    const auto aborted = upload_.Abort(kUnobserved);
    if (!aborted.answer) {
      result.error = aborted.answer.error();
      return result;
    }
    (void)journal_->Append(GoneLine(upload_.token()));  // its first failure stops the command
    result.outcome = Outcome::kSkipped;
    result.reason = kKeyExists;
    return result;
  }

  std::uint64_t Bytes() const { return joint_.open.record.size_bytes; }

  s3::Result<s3::Response> Response() {
    auto whole = Complete();
    if (!whole) return whole;
    if (auto tagged = upload_.EnsureTags(kUnobserved); !tagged.answer) return tagged.answer;
    if (!client_->integrity().verify_head) return whole;
    auto verified = client_->VerifyObject({joint_.file->key, &properties_}, Bytes(), whole->etag,
                                          upload_.object_checksum(), kUnobserved);
    return verified.answer ? whole : verified.answer;
  }

  s3::Result<s3::Response> Complete() {
    const auto listed = upload_.ListParts(kUnobserved);
    if (!listed && s3::IsNoSuchUpload(listed.error())) {
      // Completed, perhaps, by a `finish` that did not live to hear of it.
      auto ours = upload_.FindOwnObject(Bytes(), kUnobserved);
      if (ours.answer || ours.answer.error().kind == s3::ErrorKind::kCancelled) return ours.answer;
      if (s3::CannotBeRead(ours.answer.error())) {
        return s3::Fail(
            s3::ErrorKind::kPermanent,
            "its multipart upload is gone from the store, and whether it has become the object cannot be "
            "asked (HeadObject needs s3:GetObject)");
      }
      return s3::Fail(s3::ErrorKind::kPermanent,
                      "its multipart upload is gone from the store: make a new plan");
    }
    if (!listed && !s3::CannotBeRead(listed.error())) return tl::unexpected(listed.error());
    // Without permission to list the parts, the store compares them when it completes the upload.
    if (auto difference = listed ? Compare(joint_, *listed) : std::nullopt)
      return tl::unexpected(std::move(*difference));
    if (!journal_->Append(CompletingLine(upload_.token()))) {
      return s3::Fail(s3::ErrorKind::kCancelled, "the journal cannot be written");
    }
    std::vector<s3::CompletedPart> parts;
    for (const auto& [number, part] : joint_.parts) parts.push_back(part);
    auto completed = upload_.Complete(parts, Bytes(), kUnobserved);
    attempts_ = completed.attempts;
    return completed.answer;
  }

  const SharedUpload& joint_;
  s3::Client* const client_;
  Journal* const journal_;
  const s3::ObjectProperties properties_;
  s3::MultipartUpload upload_;
  int attempts_ = 0;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace

int SharedUpload::part_count() const {
  return s3::PlanOfParts(open.record.size_bytes, open.record.part_bytes).parts;
}

ObjectResult CompleteSharedUpload(const SharedUpload& upload, ClientFactory* store, Journal* journal,
                                  const PropertyRules& rules) {
  s3::BlockingWaiter waiter;
  const auto client = store->MakeClient(&waiter);
  return Completion(upload, client.get(), journal, rules).Run();
}

}  // namespace pipeline
