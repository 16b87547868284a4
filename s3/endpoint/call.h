// One S3 request and its reply as values, independent of the HTTP library.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/api/requests.h"
#include "s3/endpoint/storage/store.h"
#include "s3/http.h"

namespace s3::endpoint {

struct Call {
  std::string method;
  std::string target;           // the raw request target
  std::vector<Header> headers;  // in order, names in lower case

  // Read from the target by ParseTarget.
  std::string raw_path;
  std::vector<QueryParam> query;  // decoded
  std::string bucket;             // empty for the service itself
  std::string key;                // decoded
  std::string operation;          // "PutObject"; empty if this endpoint does not support the operation

  std::optional<std::string> FindHeader(std::string_view name) const;
  std::optional<std::string> FindQuery(std::string_view name) const;
};

// Fills raw_path and the fields after it. A host BUCKET.DOMAIN names the bucket (virtual-hosted style);
// otherwise the path does. An empty domain allows only paths. Returns false if the target has broken
// percent-encoding.
bool ParseTarget(Call* call, std::string_view domain);

struct Reply {
  int status = 200;
  std::vector<Header> headers;
  std::string body;
  // If `data` is set, it replaces `body`: `content_length` bytes from `data_offset` on are sent.
  std::shared_ptr<const ObjectData> data;
  std::uint64_t data_offset = 0;
  std::uint64_t content_length = 0;  // also set for HEAD, where the body is not sent
  bool head_only = false;
};

// Returns a 200 whose body is the XML declaration and this document.
Reply XmlReply(std::string body);

// Returns an S3 error document (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
Reply ErrorReply(int status, std::string_view code, std::string_view message);
// Return the replies to requests for a bucket or object that does not exist.
Reply NoSuchBucket();
Reply NoSuchKey();

}  // namespace s3::endpoint
