// ListBuckets, ListObjects and ListObjectsV2 as XML.
#pragma once

#include <string>
#include <string_view>

#include "s3/endpoint/call.h"

namespace s3::endpoint {

// "2026-01-31T23:59:59.000Z"
std::string IsoDate(std::int64_t seconds);

Reply ListBuckets(const Store& store);

// Either version, told apart by call.operation. Keys that XML cannot hold need encoding-type=url,
// as on S3.
Reply ListObjects(const Store& store, const Call& call);

}  // namespace s3::endpoint
