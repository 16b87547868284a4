// Globs over slash-separated paths and keys, compared as bytes. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace s3 {

// '*', '?' and '[a-z]' match within one segment; a segment "**" matches zero or more segments. A pattern
// without a slash is compared with the last segment of the path ("*.log" at any depth). A pattern with a
// slash is compared with the whole path ("build/**"); a leading slash is ignored, so that "/top.txt" matches
// only at the top.
bool GlobMatches(std::string_view pattern, std::string_view path);

// True if every path below directory `path` matches, so that a walk can skip the directory. False if unknown.
bool GlobMatchesAllBelow(std::string_view pattern, std::string_view path);

}  // namespace s3
