// Executes ListBuckets, ListObjects and ListObjectsV2.
#pragma once

#include <string>
#include <string_view>

#include "s3/endpoint/call.h"

namespace s3::endpoint {

// Formats seconds since 1970 as "2026-01-31T23:59:59.000Z".
std::string IsoDate(std::int64_t seconds);

Reply ListBuckets(const Store& store);

// Executes the operation that call.operation names: ListObjects or ListObjectsV2. As with S3, a client must
// ask for encoding-type=url if keys contain characters that XML cannot represent.
Reply ListObjects(const Store& store, const Call& call);

}  // namespace s3::endpoint
