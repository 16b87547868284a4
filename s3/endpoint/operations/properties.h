// Chooses the headers and tags that the endpoint stores with an object and returns later. Pure functions, any
// thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "s3/endpoint/call.h"
#include "s3/endpoint/storage/store.h"

namespace s3::endpoint {

// Copies to `*info` the headers that are stored with an object.
void KeepProperties(const Call& call, ObjectInfo* info);

// Returns MetadataTooLarge if the user's metadata has more than 2 KB: the names without "x-amz-meta-", and
// the values. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
std::optional<Reply> MetadataProblem(const Call& call);

// Returns the refusal of a request whose customer-provided encryption key is not the object's.
std::optional<Reply> CustomerKeyProblem(const Call& call, const ObjectInfo& info);

// Returns the headers about encryption that S3 repeats in the response to a write.
std::vector<Header> EncryptionHeaders(const ObjectInfo& info);

// Returns "<ChecksumCRC32C>...</ChecksumCRC32C>" for documents; empty if the object has no checksum.
std::string ChecksumElement(const ObjectInfo& info);

}  // namespace s3::endpoint
