// Compares ETags in the forms that stores and gateways send: with or without quotes, marked as weak by a
// gateway that compresses (RFC 9110, section 8.8.3), with hexadecimal digits in either case. Pure functions,
// any thread.
#pragma once

#include <string>
#include <string_view>

namespace s3 {

// Returns the ETag without W/, quotes and surrounding spaces.
std::string_view OpaqueTag(std::string_view etag);

// True if both name the same object. Case is ignored only if both consist of hexadecimal digits, as MD5s do.
bool IsSameETag(std::string_view a, std::string_view b);

// Returns the ETag without W/, for use in a request: a store knows its own strong ETag, not the weak one that
// a gateway made of it.
std::string_view StrongETag(std::string_view etag);

}  // namespace s3
