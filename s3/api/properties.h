// What an object is stored with besides its bytes, as the request headers that say so. Pure values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/base/secret.h"
#include "s3/http.h"

namespace s3 {

// The metadata header that tells our own object from another writer's (without x-amz-meta-).
inline constexpr std::string_view kTokenName = "s3flow-upload";
inline constexpr std::string_view kTokenHeader = "x-amz-meta-s3flow-upload";

class ObjectProperties {
 public:
  // `name` in lower case. An empty value takes the header away, also from what Apply() meets.
  void Set(std::string_view name, std::string value);
  // Nothing when not set, or taken away.
  const std::string* Find(std::string_view name) const;
  // Lays `over` on top: what it names wins.
  void Apply(const ObjectProperties& over);

  // A customer-provided key, in base64, is none of the entries; empty for none.
  const Secret& customer_key() const { return customer_key_; }
  void SetCustomerKey(Secret base64) { customer_key_ = std::move(base64); }

  // The headers to send: without those that were taken away.
  std::vector<Header> Headers() const;
  // Every entry, those taken away too; for showing a configuration.
  const std::vector<Header>& entries() const { return entries_; }

 private:
  std::vector<Header> entries_;
  Secret customer_key_;
};

// Customer-provided keys must come with every request that touches the object's data.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
inline constexpr std::string_view kCustomerKeyPrefix = "x-amz-server-side-encryption-customer-";
inline constexpr std::string_view kCustomerKeyHeader = "x-amz-server-side-encryption-customer-key";
// `key`: 32 bytes. Sets algorithm, key and the key's MD5.
void SetCustomerKey(std::string_view key, ObjectProperties* properties);

// The value of x-amz-tagging: query-encoded pairs.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#AmazonS3-PutObject-request-header-Tagging
using Tags = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::string_view kTaggingHeader = "x-amz-tagging";
std::string TaggingValue(const Tags& tags);
// The tags of such a value; pairs that are not percent-encoded well are left out.
Tags ParseTagging(std::string_view value);

// True when the object must not be written over another: it has If-None-Match.
bool IsConditional(const ObjectProperties& properties);

// What is wrong with a header value: control characters, or bytes that stores do not take alike.
std::optional<std::string> HeaderValueProblem(std::string_view value);
// What is wrong with a metadata name (without x-amz-meta-): characters that no header name has, the
// name of our own token.
std::optional<std::string> MetadataNameProblem(std::string_view name);

}  // namespace s3
