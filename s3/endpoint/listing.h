// ListBuckets, ListObjects and ListObjectsV2 as XML.
#pragma once

#include <string>
#include <string_view>

#include "s3/endpoint/call.h"

namespace s3::endpoint {

std::string XmlEscape(std::string_view text);

Reply ListBuckets(const Store& store);

// Either version, told apart by call.operation. Keys that XML cannot hold need encoding-type=url,
// as on S3.
Reply ListObjects(const Store& store, const Call& call);

}  // namespace s3::endpoint
