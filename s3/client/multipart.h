// Uploads one object in parts: from CreateMultipartUpload until the upload is certainly completed or aborted.
//
//   MultipartUpload upload(&client, {"key", &properties});
//   if (!upload.Create(on_retry).response) return;
//   const auto part = upload.UploadPart(1, payload, on_retry);  // in any order, from any thread
//   const CompletedPart done{1, payload.size(), part.response->etag, payload.checksum};
//   if (!upload.Complete({done}, payload.size(), on_retry).response) upload.Abort(on_retry);
//
// A response to CompleteMultipartUpload is believed only when it is a complete, well-formed success: a 200
// may contain an error, a retry may get NoSuchUpload because the first attempt had worked, and a connection
// may die after the store did its work. In all these cases HeadObject checks the object itself. The object is
// ours when it has the size of this upload, and the random token of this upload in its metadata.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/api/responses.h"
#include "s3/client/client.h"

namespace s3 {

class MultipartUpload {
 public:
  // Makes a new upload with a new random token. `client` and the data of `target` are not owned.
  MultipartUpload(Client* client, const ObjectTarget& target);
  // Resumes an existing upload, which an earlier session may have tried to complete. Do not call Create() for
  // it.
  MultipartUpload(Client* client, const ObjectTarget& target, std::string token, std::string upload_id);

  // Creates the upload. Call it once, before everything else. Sets upload_id() on success.
  RetryResult Create(const RetryObserver& on_retry);

  // Uploads one part. Any thread, after Create().
  RetryResult UploadPart(int number, const Payload& payload, const RetryObserver& on_retry) const;

  // Completes the upload. `parts` must be in order. When they are not contiguous or do not add up to `bytes`,
  // fails without a request. On success the object exists and is ours: the response contains its ETag, and
  // object_checksum() is its checksum. With If-None-Match, SaysItExists() is true for the error when another
  // writer's object has the key. If the store may ignore the condition, the key is checked before each
  // attempt. Fails with kConflict when another write to the key was in progress: then start again with a new
  // upload.
  RetryResult Complete(const std::vector<CompletedPart>& parts, std::uint64_t bytes,
                       const RetryObserver& on_retry);

  // Sets the tags of the completed object if the number of its tags is wrong, because some stores accept tags
  // with CreateMultipartUpload and ignore them (Ceph 16). Does nothing if there are no tags to set. If the
  // credentials are not allowed to read the object, sets the tags without checking their number. If the
  // credentials are not allowed to set tags either, assumes that the store kept the tags of
  // CreateMultipartUpload.
  RetryResult EnsureTags(const RetryObserver& on_retry) const;

  // Returns all parts that the store has, in order. IsNoSuchUpload() is true for the error when the upload
  // does not exist.
  Result<std::vector<ListedPart>> ListParts(const RetryObserver& on_retry) const;

  // Aborts the upload, repeating until ListParts confirms that it is gone. A part that arrives during the
  // abort may bring an upload back, so no UploadPart() may be running.
  RetryResult Abort(const RetryObserver& on_retry) const;

  // Returns the response to HeadObject when the object is ours, else an error. Call it after a successful
  // Abort(): no completion can happen any more, so the result is final.
  RetryResult FindOwnObject(std::uint64_t bytes, const RetryObserver& on_retry) const;

  const std::string& upload_id() const { return upload_id_; }
  const std::string& token() const { return token_; }
  const std::string& object_checksum() const { return object_checksum_; }

 private:
  std::optional<Error> ComputeChecksum(const std::vector<CompletedPart>& parts);
  Result<Response> CompleteOnce(const Operation& complete, std::uint64_t bytes, bool is_retry,
                                const RetryObserver& on_retry);
  Result<Response> InterpretFailure(Result<Response> refused, std::uint64_t bytes,
                                    const RetryObserver& on_retry);
  Result<Response> AbortOnce(bool is_retry) const;
  std::optional<Error> CompareWithParts(const std::vector<CompletedPart>& parts, Response* response) const;

  Client* const client_;
  const ObjectTarget target_;
  const std::string token_;
  std::string upload_id_;
  std::string object_checksum_;
  // True after a completion whose result is unknown: the store may still be working on it. A later refusal
  // then proves nothing, because the earlier completion may have consumed the parts.
  bool may_be_completing_ = false;
};

// Returns the uploads in progress for exactly this key.
Result<std::vector<ListedUpload>> ListUploadsOf(Client* client, std::string_view key);

// Returns true when the error says that the upload does not exist any more: NoSuchUpload, or NoSuchKey from
// Ceph 16 while it completes the upload.
bool IsNoSuchUpload(const Error& error);

// Returns why `parts` cannot become an object of `bytes`; nothing when they can.
std::optional<std::string> PartListProblem(const std::vector<CompletedPart>& parts, std::uint64_t bytes);

}  // namespace s3
