// Globs for slash-separated paths and keys. Characters are compared as bytes. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace s3 {

// Returns true if `path` matches `pattern`. '*', '?' and '[a-z]' match within one segment; a segment "**"
// matches zero or more segments. A pattern without a slash is compared with the last segment of the path
// ("*.log" at any depth). A pattern with a slash is compared with the whole path ("build/**"); a leading
// slash is ignored, so that "/top.txt" matches only at the top.
bool GlobMatches(std::string_view pattern, std::string_view path);

// Returns true if every path below the directory `path` matches: a walk that excludes matching paths may then
// skip the directory. Returns false if that is not certain.
bool GlobMatchesAllBelow(std::string_view pattern, std::string_view path);

}  // namespace s3
