// Globs over slash-separated paths and keys, as bytes. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace s3 {

// '*', '?' and '[a-z]' match within one segment; a segment "**" matches any number of segments,
// none too. A pattern without a slash matches the last segment at any depth ("*.log"); one with a
// slash matches the whole path ("build/**"); a leading slash only says so ("/top.txt").
bool GlobMatches(std::string_view pattern, std::string_view path);

// True when everything below directory `path` is certain to match: the walk need not go there.
bool GlobMatchesAllBelow(std::string_view pattern, std::string_view path);

}  // namespace s3
