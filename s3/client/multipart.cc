#include "s3/client/multipart.h"

#include <fmt/format.h>

#include <utility>

#include "s3/api/etag.h"
#include "s3/api/responses.h"
#include "s3/hash/checksum.h"

namespace s3 {
namespace {

// Returns true for refusals that the store makes before it changes anything. After any other error the upload
// may have been completed.
bool ShowsThatNothingHappened(const Error& error) {
  for (const auto* code : {"EntityTooSmall", "InvalidPart", "InvalidPartOrder", "MalformedXML",
                           "SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed"}) {
    if (error.code == code) return true;
  }
  return false;
}

// Returns the checksum of type COMPOSITE: the SHA-256 of the digests of the parts, and the number of parts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html, "composite"
std::string CompositeSha256(const std::vector<CompletedPart>& parts) {
  std::string digests;
  for (const auto& part : parts) digests += Base64Decode(part.checksum).value_or("");
  return fmt::format("{}-{}", Base64Encode(AsBytes(Sha256(digests))), parts.size());
}

// If all part ETags are MD5s, the object's ETag must be the MD5 of these MD5s. Returns an error when the
// object has another ETag. Returns nothing when its ETag is right, or when a part's ETag is not an MD5.
std::optional<Error> CompareETag(const std::vector<CompletedPart>& parts, const ObjectProperties& properties,
                                 const Response& response) {
  std::string md5s;
  for (const auto& part : parts) {
    const auto md5 = Md5OfETag(part.etag, properties, response.headers);
    if (!md5) return std::nullopt;
    md5s += *md5;
  }
  const auto expected = fmt::format("{}-{}", HexEncode(AsBytes(Md5(md5s))), parts.size());
  if (IsSameETag(response.etag, expected)) return std::nullopt;
  return Error{.kind = ErrorKind::kIntegrity,
               .message = fmt::format(
                   "the object's ETag {} is not that of its parts, which is {} (if the store's ETags "
                   "are not MD5s, set destination.profile or integrity.checksum)",
                   response.etag, expected)};
}

// Says what is known about the object after a completion was refused. `head`: the response to HeadObject.
std::string OutcomeUnknown(const Result<Response>& head, const Error& refusal) {
  const std::string what = IsNoSuchUpload(refusal) ? "the upload is gone" : refusal.message;
  if (!head && head.error().http_status != 404) {
    return fmt::format(
        "{}, and s3flow cannot check whether the upload became the object (HeadObject needs s3:GetObject): "
        "{}",
        what, head.error().message);
  }
  return what + ", and the key has no object, or an object that this upload did not write";
}

std::optional<Error> Malformed(std::string_view what) {
  return Error{.kind = ErrorKind::kTransient, .message = fmt::format("the store's {} is malformed", what)};
}

// Fetches a listing page by page. `build` makes the request for the page that begins at a marker; `add`
// stores the entries of a page, and returns the next marker, or nothing after the last page.
template <typename Page, typename Marker>
Result<void> FetchPages(Client* client, std::string_view what, Marker marker,
                        const std::function<HttpRequest(const BucketAddress&, const Marker&)>& build,
                        std::optional<Page> (*parse)(std::string_view),
                        const std::function<Result<std::optional<Marker>>(Page&&)>& add,
                        const RetryObserver& on_retry) {
  for (;;) {
    std::optional<Page> page;
    const auto fetched =
        client->Execute({.build = [&](const BucketAddress& bucket) { return build(bucket, marker); },
                         .check = [&](const Response& response) -> std::optional<Error> {
                           page = parse(response.body);
                           return page ? std::nullopt : Malformed(what);
                         }},
                        on_retry);
    if (!fetched.response) return tl::unexpected(fetched.response.error());
    auto next = add(std::move(*page));
    if (!next) return tl::unexpected(std::move(next.error()));
    if (!*next) return {};
    marker = std::move(**next);
  }
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
  if (sum != bytes) return fmt::format("the parts have {} bytes together, but the object has {}", sum, bytes);
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
  auto created = client_->Execute(
      {.build =
           [&](const BucketAddress& bucket) {
             return BuildCreateMultipartUpload(bucket, target_, client_->integrity().checksum, token_);
           },
       .check = [](const Response& response) -> std::optional<Error> {
         if (ParseUploadId(response.body)) return std::nullopt;
         return Error{.kind = ErrorKind::kTransient,
                      .message = "the response to CreateMultipartUpload has no upload ID"};
       }},
      on_retry);
  if (created.response) upload_id_ = ParseUploadId(created.response->body).value();
  return created;
}

RetryResult MultipartUpload::UploadPart(int number, const Payload& payload,
                                        const RetryObserver& on_retry) const {
  return client_->Execute(
      {.build =
           [&](const BucketAddress& bucket) { return BuildUploadPart(bucket, target_, upload_id_, number); },
       .payload = &payload,
       .wants_etag = true,
       .check =
           [&](const Response& response) { return CompareWithSent(payload, *target_.properties, response); }},
      on_retry);
}

RetryResult MultipartUpload::Complete(const std::vector<CompletedPart>& parts, std::uint64_t bytes,
                                      const RetryObserver& on_retry) {
  if (const auto problem = PartListProblem(parts, bytes)) {
    return {Fail(ErrorKind::kIntegrity, "not completed: " + *problem)};
  }
  if (auto problem = ComputeChecksum(parts)) return {tl::unexpected(std::move(*problem))};
  const auto algorithm = client_->integrity().checksum;
  const auto xml = BuildCompletionXml(parts, algorithm);
  const Operation complete{
      .build =
          [&](const BucketAddress& bucket) {
            return BuildCompleteMultipartUpload(bucket, target_, upload_id_, bytes, algorithm,
                                                IsCrc(algorithm) ? object_checksum_ : "", xml);
          },
      .check = [&](const Response& response) -> std::optional<Error> {
        if (ParseCompletion(response.body, algorithm)) return std::nullopt;
        return Error{.kind = ErrorKind::kTransient,
                     .message = "the response to CompleteMultipartUpload is empty, truncated or malformed"};
      }};
  auto completed = client_->RetryLoop(
      [&](int number) { return CompleteOnce(complete, bytes, number > 1, on_retry); }, on_retry);
  if (!completed.response) return completed;
  // Now the object exists, so a wrong checksum is no reason to complete again.
  if (auto problem = CompareWithParts(parts, &*completed.response)) {
    completed.response = tl::unexpected(std::move(*problem));
  }
  return completed;
}

// Sets object_checksum_ to the checksum of the whole object. Returns an error if a part has no checksum.
std::optional<Error> MultipartUpload::ComputeChecksum(const std::vector<CompletedPart>& parts) {
  const auto algorithm = client_->integrity().checksum;
  if (algorithm == ChecksumAlgorithm::kSha256) object_checksum_ = CompositeSha256(parts);
  if (!IsCrc(algorithm)) return std::nullopt;
  CrcOfParts crc(algorithm);
  for (const auto& part : parts) {
    if (!crc.Add(part.checksum, part.bytes)) {
      return Error{.kind = ErrorKind::kIntegrity,
                   .message = fmt::format("not completed: part {} has no checksum", part.number)};
    }
  }
  object_checksum_ = crc.Text();
  return std::nullopt;
}

// Compares the completed object's checksum and ETag with those of the parts. Sets the ETag of `*response`.
std::optional<Error> MultipartUpload::CompareWithParts(const std::vector<CompletedPart>& parts,
                                                       Response* response) const {
  const auto algorithm = client_->integrity().checksum;
  // If the response to the completion was lost, this is the response to HeadObject, which has the ETag
  // already.
  if (const auto object = ParseCompletion(response->body, algorithm)) {
    response->etag = object->etag;
    const bool is_known = !object->checksum.empty() && !object_checksum_.empty();
    if (is_known && object->checksum != object_checksum_) {
      return Error{.kind = ErrorKind::kIntegrity,
                   .message = "the completed object has another checksum than the sent data"};
    }
  }
  const bool has_md5_etag = algorithm == ChecksumAlgorithm::kMd5 && client_->integrity().etag_of_parts_is_md5;
  return has_md5_etag ? CompareETag(parts, *target_.properties, *response) : std::nullopt;
}

Result<Response> MultipartUpload::CompleteOnce(const Operation& complete, std::uint64_t bytes, bool is_retry,
                                               const RetryObserver& on_retry) {
  if (IsConditional(*target_.properties) && !client_->integrity().complete_keeps_conditions) {
    auto own = client_->CheckKeyBeforeWrite(target_, token_, bytes, on_retry);
    if (!own) return tl::unexpected(std::move(own.error()));
    if (*own) return std::move(**own);
  }
  auto result = client_->SendWithCorrections(complete, is_retry);
  if (result) return result;
  return InterpretFailure(std::move(result), bytes, on_retry);
}

// Finds out whether a refused or lost completion created the object after all. If so, returns the response to
// HeadObject. Otherwise returns the error, with a kind that says whether to try again.
Result<Response> MultipartUpload::InterpretFailure(Result<Response> failed, std::uint64_t bytes,
                                                   const RetryObserver& on_retry) {
  auto& error = failed.error();
  const bool refused = ShowsThatNothingHappened(error);
  const bool is_gone = IsNoSuchUpload(error);
  const bool was_completing = may_be_completing_;
  if (!refused && !is_gone) may_be_completing_ = true;
  if (error.kind == ErrorKind::kCancelled || (refused && !was_completing)) return failed;
  auto head = client_->HeadObject(target_, on_retry).response;
  if (head && HasOwnToken(*head, token_, bytes)) return head;
  if (error.code == "ConditionalRequestConflict") {
    // The other write decides whether the key exists. S3 accepts no second completion of this upload:
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    error.key_exists = head.has_value();
    error.kind = head ? ErrorKind::kPermanent : ErrorKind::kConflict;
  }
  if (was_completing && (refused || is_gone)) {
    error.kind = ErrorKind::kTransient;
    error.message = OutcomeUnknown(head, error) + "; an earlier completion may still be in progress";
  } else if (is_gone) {
    error.message = OutcomeUnknown(head, error);
    error.kind = ErrorKind::kPermanent;
  }
  return failed;
}

RetryResult MultipartUpload::EnsureTags(const RetryObserver& on_retry) const {
  const auto* tagging = target_.properties->Find(kTaggingHeader);
  if (tagging == nullptr) return {Response{}};
  const auto tags = ParseTagging(*tagging);
  auto head = client_->HeadObject(target_, on_retry);
  const bool cannot_read = !head.response && CannotBeRead(head.response.error());
  if (!head.response && !cannot_read) return head;
  if (head.response && head.response->headers.Find("x-amz-tagging-count") == fmt::format("{}", tags.size()))
    return head;
  const auto xml = BuildTaggingXml(tags);
  auto tagged = client_->Execute(
      {.build = [&](const BucketAddress& bucket) { return BuildPutObjectTagging(bucket, target_, xml); }},
      on_retry);
  // The store accepted the tags with CreateMultipartUpload. It refuses to show them and to set them again,
  // but they may be stored.
  if (cannot_read && !tagged.response && CannotBeRead(tagged.response.error())) return {Response{}};
  return tagged;
}

Result<std::vector<ListedPart>> MultipartUpload::ListParts(const RetryObserver& on_retry) const {
  std::vector<ListedPart> all;
  const auto build = [&](const BucketAddress& bucket, const int& marker) {
    return BuildListParts(bucket, target_, upload_id_, marker);
  };
  const auto add = [&](PartList&& page) -> Result<std::optional<int>> {
    const int marker = all.empty() ? 0 : all.back().number;
    all.insert(all.end(), page.parts.begin(), page.parts.end());
    if (!page.truncated) return std::nullopt;
    if (all.back().number <= marker) {
      return Fail(ErrorKind::kPermanent, "the store's list of parts repeats itself");
    }
    return all.back().number;
  };
  const auto fetched =
      FetchPages<PartList, int>(client_, "list of parts", 0, build, ParsePartList, add, on_retry);
  if (!fetched) return tl::unexpected(fetched.error());
  return all;
}

RetryResult MultipartUpload::Abort(const RetryObserver& on_retry) const {
  return client_->RetryLoop(
      [&](int number) {
        auto result = AbortOnce(number > 1);
        if (!result && IsNoSuchUpload(result.error())) return Result<Response>(Response{});
        return result;
      },
      on_retry);
}

// Aborts the upload, and asks whether it is gone. A success or the error NoSuchUpload means that it is gone.
Result<Response> MultipartUpload::AbortOnce(bool is_retry) const {
  const Operation abort{
      .build =
          [&](const BucketAddress& bucket) { return BuildAbortMultipartUpload(bucket, target_, upload_id_); },
      .is_cleanup = true};
  const Operation list{
      .build = [&](const BucketAddress& bucket) { return BuildListParts(bucket, target_, upload_id_, 0); },
      .is_cleanup = true};
  auto aborted = client_->SendWithCorrections(abort, is_retry);
  if (!aborted) return aborted;
  // A part that was still on its way may have brought the upload back.
  auto listed = client_->SendWithCorrections(list, is_retry);
  if (listed) return Fail(ErrorKind::kTransient, "the upload still exists after its abort");
  // If the credentials are not allowed to list parts, a second abort confirms the first: the second abort
  // succeeds, or gets NoSuchUpload.
  if (CannotBeRead(listed.error())) return client_->SendWithCorrections(abort, /*is_retry=*/true);
  return listed;
}

RetryResult MultipartUpload::FindOwnObject(std::uint64_t bytes, const RetryObserver& on_retry) const {
  auto head = client_->HeadObject(target_, on_retry);
  if (head.response && !HasOwnToken(*head.response, token_, bytes)) {
    head.response = Fail(ErrorKind::kPermanent, "the object of that key was not written by this upload");
  }
  return head;
}

Result<std::vector<ListedUpload>> ListUploadsOf(Client* client, std::string_view key) {
  struct Marker {
    std::string key, upload_id;
    bool operator==(const Marker&) const = default;
  };
  std::vector<ListedUpload> all;
  Marker last;
  const auto build = [&](const BucketAddress& bucket, const Marker& marker) {
    return BuildListMultipartUploads(bucket, key, marker.key, marker.upload_id);
  };
  const auto add = [&](UploadList&& page) -> Result<std::optional<Marker>> {
    bool is_past_key = false;  // keys are in order: other keys with this prefix follow
    for (auto& upload : page.uploads) {
      is_past_key = upload.key != key;
      if (!is_past_key) all.push_back(std::move(upload));
    }
    Marker next{std::move(page.next_key), std::move(page.next_id)};
    const bool repeats = next == last;
    if (!page.truncated || is_past_key || repeats) return std::nullopt;
    last = next;
    return next;
  };
  const auto fetched = FetchPages<UploadList, Marker>(client, "list of uploads", {}, build, ParseUploadList,
                                                      add, [](const RetryEvent&) {});
  if (!fetched) return tl::unexpected(fetched.error());
  return all;
}

}  // namespace s3
