// Builds the requests of the S3 API: unsigned, not sent, without the data they carry. Pure, any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "s3/api/properties.h"
#include "s3/http.h"
#include "s3/options.h"

namespace s3 {

// An object to be: where, and with which properties. Neither is owned.
struct ObjectTarget {
  std::string_view key;
  const ObjectProperties* properties = nullptr;
};

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
// `token`: our mark in the metadata; empty for none.
HttpRequest BuildPutObject(const BucketAddress& bucket, const ObjectTarget& target, std::string_view token);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
// `with_checksum`: asks for the stored checksum, too.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
HttpRequest BuildHeadBucket(const BucketAddress& bucket);

HttpRequest BuildHeadObject(const BucketAddress& bucket, const ObjectTarget& target, bool with_checksum);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
// `version_id`: that version for good; empty for the object as everybody sees it.
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
  std::string etag;      // as answered, quotes included
  std::string checksum;  // base64; empty when there is none
};

// The body is to be kept by the caller: it is BuildCompletionXml's.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
HttpRequest BuildCompleteMultipartUpload(const BucketAddress& bucket, const ObjectTarget& target,
                                         std::string_view upload_id, std::uint64_t object_bytes,
                                         ChecksumAlgorithm checksum, std::string_view object_checksum,
                                         std::string_view xml);
std::string BuildCompletionXml(const std::vector<CompletedPart>& parts, ChecksumAlgorithm checksum);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
HttpRequest BuildAbortMultipartUpload(const BucketAddress& bucket, const ObjectTarget& target,
                                      std::string_view upload_id);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
// The parts after number `marker`, at most 1,000.
HttpRequest BuildListParts(const BucketAddress& bucket, const ObjectTarget& target,
                           std::string_view upload_id, int marker);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
// Those whose keys begin with `prefix`, behind the markers, at most 1,000.
HttpRequest BuildListMultipartUploads(const BucketAddress& bucket, std::string_view prefix,
                                      std::string_view key_marker, std::string_view id_marker);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
// Those whose keys begin with `prefix`, at most 1,000; `continuation` is the last page's, empty for the
// first.
HttpRequest BuildListObjects(const BucketAddress& bucket, std::string_view prefix,
                             std::string_view continuation);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
// The body is to be kept by the caller: it is BuildTaggingXml's of the object's tags.
HttpRequest BuildPutObjectTagging(const BucketAddress& bucket, const ObjectTarget& target,
                                  std::string_view xml);
std::string BuildTaggingXml(const Tags& tags);

// Those of the request's headers that a store need not know, and that may have made it refuse the request.
// What each adds is a check beside others; a CRC32C of a whole object cannot do without x-amz-checksum-type.
// Empty when the refusal is about something else.
std::vector<std::string> SuspectHeaders(const HttpRequest& request, const Error& refusal);

}  // namespace s3
