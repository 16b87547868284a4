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

// Returns nothing if the store has the parts that the shards have sent.
std::optional<s3::Error> PartsProblem(const SharedUpload& upload, const std::vector<s3::ListedPart>& listed) {
  std::map<int, const s3::ListedPart*> stored;
  for (const auto& part : listed) stored[part.number] = &part;
  for (const auto& [number, sent] : upload.parts) {
    const auto found = stored.find(number);
    const bool is_same = found != stored.end() && s3::IsSameETag(found->second->etag, sent.etag) &&
                         found->second->bytes == sent.bytes;
    if (is_same) continue;
    return s3::Error{.kind = s3::ErrorKind::kIntegrity,
                     .message = fmt::format("part {} is missing in the store, or differs from the part that "
                                            "its shard has sent: make a new plan",
                                            number)};
  }
  return std::nullopt;
}

class Completion {
 public:
  Completion(const SharedUpload& shared, s3::Client* client, Journal* journal, const PropertyRules& rules)
      : shared_(shared),
        client_(client),
        journal_(journal),
        properties_(PropertiesOf(shared, rules)),
        upload_(client, {shared.file->key, &properties_}, shared.open.record.token,
                shared.open.record.upload_id) {}

  ObjectResult Run() {
    auto response = CompleteAndVerify();
    ObjectResult result;
    result.file = shared_.file;
    result.size_bytes = Bytes();
    result.mtime_ns = shared_.open.record.mtime_ns;
    result.parts = shared_.part_count();
    result.attempts = attempts_;
    result.seconds = std::chrono::steady_clock::now() - began_;
    if (!response && s3::SaysItExists(response.error()) && s3::IsConditional(properties_)) {
      return AbortAndSkip(std::move(result));
    }
    if (!response) {
      const bool was_cancelled = response.error().kind == s3::ErrorKind::kCancelled;
      result.outcome = was_cancelled ? Outcome::kCancelled : Outcome::kFailed;
      result.error = std::move(response.error());
      return result;
    }
    result.outcome = Outcome::kUploaded;
    result.etag = response->etag;
    result.version_id = response->version_id;
    result.request_id = response->request_id;
    result.checksum = upload_.object_checksum();
    result.algorithm = client_->integrity().checksum;
    return result;
  }

 private:
  // The rules may need the file's owner and times. If the file is gone, the properties are made without them.
  static s3::ObjectProperties PropertiesOf(const SharedUpload& shared, const PropertyRules& rules) {
    const auto opened = RetryIo([&shared] { return OpenFile::Open(*shared.file); });
    return rules.PropertiesOf(*shared.file, opened ? &opened->status() : nullptr);
  }

  // Another writer has stored an object under the key, so this upload will never be completed.
  ObjectResult AbortAndSkip(ObjectResult result) {
    const auto aborted = upload_.Abort(kUnobserved);
    if (!aborted.response) {
      result.error = aborted.response.error();
      return result;
    }
    (void)journal_->Append(GoneLine(upload_.token()));  // the journal's first failure stops the command
    result.outcome = Outcome::kSkipped;
    result.reason = kKeyExists;
    return result;
  }

  std::uint64_t Bytes() const { return shared_.open.record.size_bytes; }

  s3::Result<s3::Response> CompleteAndVerify() {
    auto completed = Complete();
    if (!completed) return completed;
    if (auto tagged = upload_.EnsureTags(kUnobserved); !tagged.response) return tagged.response;
    if (!client_->integrity().verify_head) return completed;
    auto verified = client_->VerifyObject({shared_.file->key, &properties_}, Bytes(), completed->etag,
                                          upload_.object_checksum(), kUnobserved);
    return verified.response ? completed : verified.response;
  }

  s3::Result<s3::Response> Complete() {
    const auto listed = upload_.ListParts(kUnobserved);
    if (!listed && s3::IsNoSuchUpload(listed.error())) return FindCompletedObject();
    if (listed) {
      if (auto problem = PartsProblem(shared_, *listed)) return tl::unexpected(std::move(*problem));
    } else if (!s3::CannotBeRead(listed.error())) {
      return tl::unexpected(listed.error());
    }
    // Without permission to list the parts, continue: the store compares their ETags when it completes the
    // upload.
    if (!journal_->Append(CompletingLine(upload_.token()))) {
      return s3::Fail(s3::ErrorKind::kCancelled, "the journal cannot be written");
    }
    std::vector<s3::CompletedPart> parts;
    for (const auto& [number, part] : shared_.parts) parts.push_back(part);
    auto completed = upload_.Complete(parts, Bytes(), kUnobserved);
    attempts_ = completed.attempts;
    return completed.response;
  }

  // An earlier `finish` may have completed the upload and died before it recorded the completion.
  s3::Result<s3::Response> FindCompletedObject() {
    auto ours = upload_.FindOwnObject(Bytes(), kUnobserved);
    if (ours.response || ours.response.error().kind == s3::ErrorKind::kCancelled) return ours.response;
    if (s3::CannotBeRead(ours.response.error())) {
      return s3::Fail(
          s3::ErrorKind::kPermanent,
          "its multipart upload is gone from the store, and s3flow is not allowed to check whether an "
          "earlier finish completed it: allow the credentials s3:GetObject");
    }
    return s3::Fail(s3::ErrorKind::kPermanent,
                    "its multipart upload is gone from the store: make a new plan");
  }

  const SharedUpload& shared_;
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
