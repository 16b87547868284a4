// ETags as stores and what stands before them send them: with quotes or without, marked as weak by a gateway
// that compresses (RFC 9110, section 8.8.3), in hexadecimal digits of either case. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace s3 {

// Without W/, quotes and spaces around it.
std::string_view OpaqueTag(std::string_view etag);

// True when both name the same object. Case counts unless both are made of hexadecimal digits, as MD5s are.
bool IsSameETag(std::string_view a, std::string_view b);

// As a request quotes it: a store knows its own ETag, not one that was made weak on its way.
std::string_view StrongETag(std::string_view etag);

}  // namespace s3
