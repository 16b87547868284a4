#include "s3/requests.h"

namespace s3 {
namespace {

HttpRequest ForKey(std::string_view method, const BucketAddress& bucket, std::string_view key) {
  HttpRequest request;
  request.method = method;
  request.endpoint = bucket.endpoint;
  request.path = bucket.path_root + UriEncode(key, true);
  return request;
}

}  // namespace

HttpRequest BuildPutObject(const BucketAddress& bucket, const PutObjectInput& input) {
  auto request = ForKey("PUT", bucket, input.key);
  request.headers.push_back({"content-type", std::string(input.content_type)});
  request.body = input.body;
  return request;
}

HttpRequest BuildHeadObject(const BucketAddress& bucket, std::string_view key) {
  return ForKey("HEAD", bucket, key);
}

}  // namespace s3
