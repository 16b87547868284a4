// Executes ListBuckets, ListObjects and ListObjectsV2.
#pragma once

#include <string>
#include <string_view>

#include "s3/endpoint/call.h"

namespace s3::endpoint {

// Formats seconds since 1970 as "2026-01-31T23:59:59.000Z".
std::string IsoDate(std::int64_t seconds);

Reply ListBuckets(const Store& store);

// Executes the version that call.operation names. As at S3, keys that XML cannot represent need
// encoding-type=url.
Reply ListObjects(const Store& store, const Call& call);

}  // namespace s3::endpoint
