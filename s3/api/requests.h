// Builds the requests of the S3 API: not signed, not sent, and without the data of objects and parts (see
// payload.h). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "s3/api/properties.h"
#include "s3/http.h"
#include "s3/options.h"

namespace s3 {

// The key and the properties of an object. Neither is owned.
struct ObjectTarget {
  std::string_view key;
  const ObjectProperties* properties = nullptr;
};

// `token` marks the object as ours in its metadata (see kTokenHeader); empty for no mark.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
HttpRequest BuildPutObject(const BucketAddress& bucket, const ObjectTarget& target, std::string_view token);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
HttpRequest BuildHeadBucket(const BucketAddress& bucket);

// With `with_checksum`, the response also contains the stored checksum.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
HttpRequest BuildHeadObject(const BucketAddress& bucket, const ObjectTarget& target, bool with_checksum);

// Deletes the version `version_id` permanently. If `version_id` is empty, deletes the current object, which a
// bucket with versioning keeps as an old version.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
HttpRequest BuildDeleteObject(const BucketAddress& bucket, const ObjectTarget& target,
                              std::string_view version_id);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
HttpRequest BuildCreateMultipartUpload(const BucketAddress& bucket, const ObjectTarget& target,
                                       ChecksumAlgorithm checksum, std::string_view token);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
HttpRequest BuildUploadPart(const BucketAddress& bucket, const ObjectTarget& target,
                            std::string_view upload_id, int part_number);

struct CompletedPart {
  int number = 0;
  std::uint64_t bytes = 0;
  std::string etag;      // as received, including quotes
  std::string checksum;  // base64; empty if there is none
};

// `xml` is the request's body, from BuildCompletionXml. It is not copied: the caller keeps it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
HttpRequest BuildCompleteMultipartUpload(const BucketAddress& bucket, const ObjectTarget& target,
                                         std::string_view upload_id, std::uint64_t object_bytes,
                                         ChecksumAlgorithm checksum, std::string_view object_checksum,
                                         std::string_view xml);
std::string BuildCompletionXml(const std::vector<CompletedPart>& parts, ChecksumAlgorithm checksum);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
HttpRequest BuildAbortMultipartUpload(const BucketAddress& bucket, const ObjectTarget& target,
                                      std::string_view upload_id);

// Lists at most 1,000 parts after part number `marker`.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
HttpRequest BuildListParts(const BucketAddress& bucket, const ObjectTarget& target,
                           std::string_view upload_id, int marker);

// Lists at most 1,000 uploads after the markers, of keys that begin with `prefix`.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
HttpRequest BuildListMultipartUploads(const BucketAddress& bucket, std::string_view prefix,
                                      std::string_view key_marker, std::string_view id_marker);

// Lists at most 1,000 objects whose keys begin with `prefix`. `continuation` is the token from the page
// before; empty for the first page. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
HttpRequest BuildListObjects(const BucketAddress& bucket, std::string_view prefix,
                             std::string_view continuation);

// `xml` is the request's body, from BuildTaggingXml. It is not copied: the caller keeps it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
HttpRequest BuildPutObjectTagging(const BucketAddress& bucket, const ObjectTarget& target,
                                  std::string_view xml);
std::string BuildTaggingXml(const Tags& tags);

// Returns the names of optional headers that may have made the store refuse the request; empty if the refusal
// is about something else. An optional header only adds one more check. x-amz-checksum-type is not optional
// for a CRC32C of a whole object.
std::vector<std::string> SuspectHeaders(const HttpRequest& request, const Error& refusal);

}  // namespace s3
