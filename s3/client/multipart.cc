#include "s3/client/multipart.h"

#include <fmt/format.h>

#include "s3/api/etag.h"
#include "s3/api/responses.h"
#include "s3/hash/checksum.h"

namespace s3 {
namespace {

// Refusals that the store makes before it does anything; all others leave open what has happened.
bool ShowsThatNothingHappened(const Error& error) {
  for (const auto* code : {"EntityTooSmall", "InvalidPart", "InvalidPartOrder", "MalformedXML",
                           "SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed"}) {
    if (error.code == code) return true;
  }
  return false;
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html, "composite"
std::string CompositeSha256(const std::vector<CompletedPart>& parts) {
  std::string digests;
  for (const auto& part : parts) digests += Base64Decode(part.checksum).value_or("");
  return fmt::format("{}-{}", Base64Encode(AsBytes(Sha256(digests))), parts.size());
}

// A store whose part ETags are the MD5s of the parts makes the object's of those.
std::optional<Error> CompareETag(const std::vector<CompletedPart>& parts, const ObjectProperties& properties,
                                 const Response& answer, std::string_view etag) {
  std::string md5s;
  for (const auto& part : parts) {
    const auto md5 = Md5OfETag(part.etag, properties, answer.headers);
    if (!md5) return std::nullopt;
    md5s += *md5;
  }
  const auto expected = fmt::format("{}-{}", HexEncode(AsBytes(Md5(md5s))), parts.size());
  if (IsSameETag(etag, expected)) return std::nullopt;
  return Error{.kind = ErrorKind::kIntegrity,
               .message = fmt::format("the object's ETag {} is not that of its parts, {} (for a store whose "
                                      "ETags are no MD5s: destination.profile or integrity.checksum)",
                                      etag, expected)};
}

// What is known of the object after a completion was refused, from the answer to HeadObject.
std::string OutcomeUnknown(const Result<Response>& head, const Error& refusal) {
  const std::string what = IsNoSuchUpload(refusal) ? "the upload is gone" : refusal.message;
  if (!head && head.error().http_status != 404) {
    return fmt::format(
        "{}, and whether it has become the object cannot be asked (HeadObject needs s3:GetObject): {}", what,
        head.error().message);
  }
  return what + ", and the object of that key, if any, is not ours";
}

}  // namespace

bool IsNoSuchUpload(const Error& error) { return error.code == "NoSuchUpload" || error.code == "NoSuchKey"; }

std::optional<std::string> PartListProblem(const std::vector<CompletedPart>& parts, std::uint64_t bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].number != static_cast<int>(i + 1)) return fmt::format("part {} is missing", i + 1);
    if (parts[i].etag.empty()) return fmt::format("part {} has no ETag", i + 1);
    sum += parts[i].bytes;
  }
  if (parts.empty()) return "there are no parts";
  if (sum != bytes) return fmt::format("the parts have {} bytes together, the object {}", sum, bytes);
  return std::nullopt;
}

MultipartUpload::MultipartUpload(Client* client, const ObjectTarget& target)
    : client_(client), target_(target), token_(HexEncode(RandomBytes(16))) {}

MultipartUpload::MultipartUpload(Client* client, const ObjectTarget& target, std::string token,
                                 std::string upload_id)
    : client_(client),
      target_(target),
      token_(std::move(token)),
      upload_id_(std::move(upload_id)),
      may_be_completing_(true) {}

RetryResult MultipartUpload::Create(const RetryObserver& on_retry) {
  auto settled = client_->Execute(
      {.build =
           [&](const BucketAddress& bucket) {
             return BuildCreateMultipartUpload(bucket, target_, client_->integrity().checksum, token_);
           },
       .check = [](const Response& answer) -> std::optional<Error> {
         if (ParseUploadId(answer.body)) return std::nullopt;
         return Error{.kind = ErrorKind::kTransient, .message = "the store created an upload without an ID"};
       }},
      on_retry);
  if (settled.answer) upload_id_ = ParseUploadId(settled.answer->body).value();
  return settled;
}

RetryResult MultipartUpload::UploadPart(int number, const Payload& payload,
                                        const RetryObserver& on_retry) const {
  return client_->Execute(
      {.build =
           [&](const BucketAddress& bucket) { return BuildUploadPart(bucket, target_, upload_id_, number); },
       .payload = &payload,
       .wants_etag = true,
       .check =
           [&](const Response& answer) { return CompareWithSent(payload, *target_.properties, answer); }},
      on_retry);
}

RetryResult MultipartUpload::Complete(const std::vector<CompletedPart>& parts, std::uint64_t bytes,
                                      const RetryObserver& on_retry) {
  if (const auto problem = PartListProblem(parts, bytes)) {
    return {Fail(ErrorKind::kIntegrity, "not completed: " + *problem)};
  }
  const auto algorithm = client_->integrity().checksum;
  CrcOfParts crc(algorithm);
  if (IsCrc(algorithm)) {
    for (const auto& part : parts) {
      if (!crc.Add(part.checksum, part.bytes)) return {Fail(ErrorKind::kIntegrity, "a part has no checksum")};
    }
    object_checksum_ = crc.Text();
  } else if (algorithm == ChecksumAlgorithm::kSha256) {
    object_checksum_ = CompositeSha256(parts);
  }
  const auto xml = BuildCompletionXml(parts, algorithm);
  const Operation complete{
      .build =
          [&](const BucketAddress& bucket) {
            return BuildCompleteMultipartUpload(bucket, target_, upload_id_, bytes, algorithm,
                                                IsCrc(algorithm) ? object_checksum_ : "", xml);
          },
      .check = [&](const Response& answer) -> std::optional<Error> {
        if (ParseCompletion(answer.body, algorithm)) return std::nullopt;
        return Error{
            .kind = ErrorKind::kTransient,
            .message = "the store's answer to CompleteMultipartUpload is empty, cut or no such answer"};
      }};
  auto settled = client_->RetryLoop([&](int) { return CompleteOnce(complete, bytes, on_retry); }, on_retry);
  if (!settled.answer) return settled;
  // From here on the object is there; what is wrong with it is no reason to complete again.
  auto& answer = *settled.answer;
  if (const auto object = ParseCompletion(answer.body, algorithm)) {
    answer.etag = object->etag;
    if (!object->checksum.empty() && !object_checksum_.empty() && object->checksum != object_checksum_) {
      settled.answer =
          Fail(ErrorKind::kIntegrity, "the checksum of the completed object is not that of what was sent");
      return settled;
    }
  }
  if (algorithm == ChecksumAlgorithm::kMd5 && client_->integrity().etag_of_parts_is_md5) {
    if (auto problem = CompareETag(parts, *target_.properties, answer, answer.etag)) {
      settled.answer = tl::unexpected(std::move(*problem));
    }
  }
  return settled;
}

Result<Response> MultipartUpload::CompleteOnce(const Operation& complete, std::uint64_t bytes,
                                               const RetryObserver& on_retry) {
  if (IsConditional(*target_.properties) && !client_->integrity().complete_keeps_conditions) {
    auto asked = client_->AskForKey(target_, token_, bytes, on_retry);
    if (!asked) return tl::unexpected(std::move(asked.error()));
    if (*asked) return std::move(**asked);
  }
  auto answer = client_->SendWithCorrections(complete);
  if (answer) return answer;
  auto& error = answer.error();
  const bool refused = ShowsThatNothingHappened(error);
  const bool was_completing = may_be_completing_;
  may_be_completing_ = may_be_completing_ || !(refused || IsNoSuchUpload(error));
  if (error.kind == ErrorKind::kCancelled || (refused && !was_completing)) return answer;
  auto head = client_->HeadObject(target_, on_retry).answer;
  if (head && HasOwnToken(*head, token_, bytes)) return head;
  if (error.code == "ConditionalRequestConflict") {
    // What the other write made decides; S3 takes no second completion of this upload:
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    if (head) error.http_status = 412;
    error.kind = head ? ErrorKind::kPermanent : ErrorKind::kConflict;
  }
  if (was_completing && (refused || IsNoSuchUpload(error))) {
    error.kind = ErrorKind::kTransient;
    error.message =
        fmt::format("{}; an earlier completion may still be at work", OutcomeUnknown(head, error));
  } else if (IsNoSuchUpload(error)) {
    error.message = OutcomeUnknown(head, error);
    error.kind = ErrorKind::kPermanent;
  }
  return answer;
}

RetryResult MultipartUpload::EnsureTags(const RetryObserver& on_retry) const {
  const auto* tagging = target_.properties->Find(kTaggingHeader);
  if (tagging == nullptr) return {Response{}};
  const auto tags = ParseTagging(*tagging);
  auto head = client_->HeadObject(target_, on_retry);
  const bool is_unread = !head.answer && CannotBeRead(head.answer.error());
  if (!head.answer && !is_unread) return head;
  if (!is_unread && head.answer->headers.Find("x-amz-tagging-count") == fmt::format("{}", tags.size()))
    return head;
  const auto xml = BuildTaggingXml(tags);
  auto tagged = client_->Execute(
      {.build = [&](const BucketAddress& bucket) { return BuildPutObjectTagging(bucket, target_, xml); }},
      on_retry);
  // The store has taken them with the creation: a refusal to show or repeat them is no sign that they are
  // missing.
  if (is_unread && !tagged.answer && CannotBeRead(tagged.answer.error())) return {Response{}};
  return tagged;
}

Result<std::vector<ListedPart>> MultipartUpload::ListParts(const RetryObserver& on_retry) const {
  std::vector<ListedPart> all;
  for (int marker = 0;;) {
    const auto page = client_->Execute(
        {.build =
             [&](const BucketAddress& bucket) { return BuildListParts(bucket, target_, upload_id_, marker); },
         .check = [](const Response& answer) -> std::optional<Error> {
           if (ParsePartList(answer.body)) return std::nullopt;
           return Error{.kind = ErrorKind::kTransient, .message = "the store's list of parts is cut or none"};
         }},
        on_retry);
    if (!page.answer) return tl::unexpected(page.answer.error());
    const auto list = ParsePartList(page.answer->body).value();
    all.insert(all.end(), list.parts.begin(), list.parts.end());
    if (!list.truncated) return all;
    if (all.back().number <= marker)
      return Fail(ErrorKind::kPermanent, "the store's list of parts has no end");
    marker = all.back().number;
  }
}

RetryResult MultipartUpload::Abort(const RetryObserver& on_retry) const {
  const auto gone = [](Result<Response> answer) -> Result<Response> {
    if (answer || !IsNoSuchUpload(answer.error())) return answer;
    return Response{};
  };
  const Operation abort{
      .build =
          [&](const BucketAddress& bucket) { return BuildAbortMultipartUpload(bucket, target_, upload_id_); },
      .finishes = true};
  const Operation list{
      .build = [&](const BucketAddress& bucket) { return BuildListParts(bucket, target_, upload_id_, 0); },
      .finishes = true};
  return client_->RetryLoop(
      [&](int) -> Result<Response> {
        auto aborted = client_->SendWithCorrections(abort);
        if (!aborted) return gone(std::move(aborted));
        // A part that was still on its way when the abort came may have brought the upload back.
        auto listed = client_->SendWithCorrections(list);
        // Who may not list can abort once more: what is gone cannot be aborted, or stays so.
        if (!listed && CannotBeRead(listed.error())) return gone(client_->SendWithCorrections(abort));
        if (!listed) return gone(std::move(listed));
        return Fail(ErrorKind::kTransient, "the upload is still there after its abort");
      },
      on_retry);
}

RetryResult MultipartUpload::FindOwnObject(std::uint64_t bytes, const RetryObserver& on_retry) const {
  auto head = client_->HeadObject(target_, on_retry);
  if (head.answer && !HasOwnToken(*head.answer, token_, bytes)) {
    head.answer = Fail(ErrorKind::kPermanent, "the object of that key is not ours");
  }
  return head;
}

Result<std::vector<ListedUpload>> ListUploadsOf(Client* client, std::string_view key) {
  std::vector<ListedUpload> all;
  std::string key_marker, id_marker;
  for (;;) {
    const auto page =
        client->Execute({.build =
                             [&](const BucketAddress& bucket) {
                               return BuildListMultipartUploads(bucket, key, key_marker, id_marker);
                             },
                         .check = [](const Response& answer) -> std::optional<Error> {
                           if (ParseUploadList(answer.body)) return std::nullopt;
                           return Error{.kind = ErrorKind::kTransient,
                                        .message = "the store's list of uploads is cut or none"};
                         }},
                        [](const RetryEvent&) {});
    if (!page.answer) return tl::unexpected(page.answer.error());
    auto list = ParseUploadList(page.answer->body).value();
    bool beyond = false;  // keys come in order: others with this prefix follow
    for (auto& upload : list.uploads) {
      beyond = upload.key != key;
      if (!beyond) all.push_back(std::move(upload));
    }
    const bool stuck = list.next_key == key_marker && list.next_id == id_marker;
    if (!list.truncated || beyond || stuck) return all;
    key_marker = list.next_key;
    id_marker = list.next_id;
  }
}

}  // namespace s3
