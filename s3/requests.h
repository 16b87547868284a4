// Builds the requests of the S3 API: unsigned, not sent. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "s3/http.h"

namespace s3 {

struct PutObjectInput {
  std::string_view key;
  std::string_view body;         // not owned; must outlive the request
  std::string_view body_sha256;  // 64 hex digits
  std::string_view content_type = "application/octet-stream";
};

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
HttpRequest BuildPutObject(const BucketAddress& bucket, const PutObjectInput& input);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
HttpRequest BuildHeadObject(const BucketAddress& bucket, std::string_view key);

}  // namespace s3
