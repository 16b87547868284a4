// Compares ETags in the forms that stores and gateways send: with or without quotes, with hexadecimal digits
// in either case, or marked as weak (W/) by a gateway that compresses (RFC 9110, section 8.8.3). Pure
// functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace s3 {

// Returns the ETag without W/, quotes and surrounding spaces.
std::string_view OpaqueTag(std::string_view etag);

// Returns true if both name the same object. Ignores the case only if both consist of hexadecimal digits, as
// MD5s do.
bool IsSameETag(std::string_view a, std::string_view b);

// Returns the ETag without W/, for use in a request. A store knows its own strong ETag, but not the weak ETag
// that a gateway made from it.
std::string_view StrongETag(std::string_view etag);

}  // namespace s3
