// The properties that an object is stored with (content type, metadata, tags, encryption ...), kept as
// request headers. Pure values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/base/secret.h"
#include "s3/http.h"

namespace s3 {

// The metadata entry that distinguishes our objects from those of other writers: its name, and its header's
// name.
inline constexpr std::string_view kTokenName = "s3flow-upload";
inline constexpr std::string_view kTokenHeader = "x-amz-meta-s3flow-upload";

class ObjectProperties {
 public:
  // `name` must be in lower case. An empty value removes the header. If another object applies this one with
  // Apply(), the header is removed from that object, too.
  void Set(std::string_view name, std::string value);
  // Returns null if the header is not set or was removed.
  const std::string* Find(std::string_view name) const;
  // Copies the headers of `over` into this object. They replace its own headers of the same name.
  void Apply(const ObjectProperties& over);

  // A customer-provided key in base64; empty for none. entries() and Headers() do not contain it.
  const Secret& customer_key() const { return customer_key_; }
  void SetCustomerKey(Secret base64) { customer_key_ = std::move(base64); }

  // Returns the headers to send, without the removed ones.
  std::vector<Header> Headers() const;
  // Returns all entries, including removed headers, whose value is empty.
  const std::vector<Header>& entries() const { return entries_; }

 private:
  std::vector<Header> entries_;
  Secret customer_key_;
};

// Customer-provided keys must be sent with every request that touches the object's data.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
inline constexpr std::string_view kCustomerKeyPrefix = "x-amz-server-side-encryption-customer-";
inline constexpr std::string_view kCustomerKeyHeader = "x-amz-server-side-encryption-customer-key";
// Sets algorithm, key and the key's MD5. `key` must have 32 bytes.
void SetCustomerKey(std::string_view key, ObjectProperties* properties);

// Names and values of tags. TaggingValue() returns them as the value of x-amz-tagging: query-encoded pairs.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#AmazonS3-PutObject-request-header-Tagging
using Tags = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::string_view kTaggingHeader = "x-amz-tagging";
std::string TaggingValue(const Tags& tags);
// Parses the value of x-amz-tagging. Leaves out pairs with invalid percent-encoding.
Tags ParseTagging(std::string_view value);

// Returns true if the object has If-None-Match: it must not replace another object.
bool IsConditional(const ObjectProperties& properties);

// Returns what is wrong with a header value (control characters, characters that are not ASCII, spaces that a
// signature cannot cover); nothing if the value is valid.
std::optional<std::string> HeaderValueProblem(std::string_view value);
// Returns what is wrong with a metadata name (characters that are not allowed in a header name, the name of
// our own token); nothing if the name is valid. `name` is given without x-amz-meta-.
std::optional<std::string> MetadataNameProblem(std::string_view name);

}  // namespace s3
