// One multipart upload from its creation to an end that is known: completed, or gone.
//
// The answer to CompleteMultipartUpload is never taken for the truth unless it is a whole, well
// formed success: a 200 may carry an error, a retry may meet NoSuchUpload because the first one had
// worked, and a connection may die after the store did its work. Then the object itself is asked:
// it is ours if it has the random token that was put into its metadata at the creation, and the
// size. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
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
  // The client is not owned, nor is what `target` points to. A new random token.
  MultipartUpload(Client* client, const ObjectTarget& target);
  // One that exists, and whose completion somebody may have tried before: Create is not called.
  MultipartUpload(Client* client, const ObjectTarget& target, std::string token, std::string upload_id);

  // Call first, once. On success upload_id() is set.
  RetryResult Create(const RetryObserver& on_retry);

  // Thread-safe once created.
  RetryResult UploadPart(int number, const Payload& payload, const RetryObserver& on_retry) const;

  // `parts` in order. Refuses a list that is not contiguous or does not add up to `bytes`: then no
  // request is made. Success: the object is there, with our token or by a whole answer; the answer's
  // ETag and, in `object_checksum()`, the checksum of the whole. With If-None-Match, SaysItExists() holds for
  // the error when the key is another writer's, whether or not the store keeps conditions here (then it is
  // asked before each attempt); kConflict: another write was under way, and the upload must be begun again.
  RetryResult Complete(const std::vector<CompletedPart>& parts, std::uint64_t bytes,
                       const RetryObserver& on_retry);

  // Some stores take tags with CreateMultipartUpload and forget them (Ceph 16): asks how many the
  // completed object has, and sets them when they are not all there. Nothing to do without tags. With a key
  // that may not read they are set once more; where it may not do that either, the creation has set them.
  RetryResult EnsureTags(const RetryObserver& on_retry) const;

  // All parts that the store has, in order. NoSuchUpload is an error with that code.
  Result<std::vector<ListedPart>> ListParts(const RetryObserver& on_retry) const;

  // Ends an upload that is not to be, and asks ListParts whether it is gone; again, until it is.
  // Precondition: no UploadPart is running.
  RetryResult Abort(const RetryObserver& on_retry) const;

  // After an Abort that succeeded: no completion can happen any more, so whether the object is ours
  // is certain now.
  RetryResult FindOwnObject(std::uint64_t bytes, const RetryObserver& on_retry) const;

  const std::string& upload_id() const { return upload_id_; }
  const std::string& token() const { return token_; }
  const std::string& object_checksum() const { return object_checksum_; }

 private:
  Result<Response> CompleteOnce(const Operation& complete, std::uint64_t bytes,
                                const RetryObserver& on_retry);

  Client* const client_;
  const ObjectTarget target_;
  const std::string token_;
  std::string upload_id_;
  std::string object_checksum_;
  // A completion whose end nobody has told us of may still be at work in the store. Then no refusal shows
  // that nothing happens: it may be the other one that has taken the parts away.
  bool may_be_completing_ = false;
};

// The uploads under way of exactly this key.
Result<std::vector<ListedUpload>> ListUploadsOf(Client* client, std::string_view key);

// What ListParts answers when the upload exists no more: NoSuchUpload, and NoSuchKey from Ceph 16 while the
// upload is being completed.
bool IsNoSuchUpload(const Error& error);

// What keeps `parts` from being an object of `bytes`; nothing when they are one.
std::optional<std::string> PartListProblem(const std::vector<CompletedPart>& parts, std::uint64_t bytes);

}  // namespace s3
