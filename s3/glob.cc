#include "s3/glob.h"

#include <fnmatch.h>

#include <vector>

namespace s3 {
namespace {

using Segments = std::vector<std::string>;

Segments Split(std::string_view text) {
  Segments segments;
  while (true) {
    const auto slash = text.find('/');
    segments.emplace_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    text.remove_prefix(slash + 1);
  }
}

bool MatchesOne(const std::string& pattern, const std::string& segment) {
  // The program never sets a locale, so fnmatch compares bytes.
  return fnmatch(pattern.c_str(), segment.c_str(), 0) == 0;
}

// Matches greedily: on a mismatch, goes back only to the last "**", which then matches one more segment. The
// time is at most proportional to the product of both lengths. Trying every split would take exponential
// time.
bool MatchesAll(const Segments& pattern, const Segments& path) {
  constexpr auto kNone = static_cast<std::size_t>(-1);
  std::size_t p = 0, s = 0;
  std::size_t last_star = kNone;  // index of the last "**" in `pattern`
  std::size_t star_end = 0;       // index in `path` of the first segment after the match of that "**"
  while (s < path.size()) {
    if (p < pattern.size() && pattern[p] == "**") {
      last_star = p++;
      star_end = s;
    } else if (p < pattern.size() && MatchesOne(pattern[p], path[s])) {
      ++p;
      ++s;
    } else if (last_star != kNone) {
      p = last_star + 1;
      s = ++star_end;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == "**") ++p;
  return p == pattern.size();
}

}  // namespace

bool GlobMatches(std::string_view pattern, std::string_view path) {
  if (pattern.find('/') == std::string_view::npos && pattern != "**") {
    const auto slash = path.rfind('/');
    const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    return MatchesOne(std::string(pattern), std::string(name));
  }
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  return MatchesAll(Split(pattern), Split(path));
}

bool GlobMatchesAllBelow(std::string_view pattern, std::string_view path) {
  if (pattern == "**") return true;
  if (!pattern.ends_with("/**")) return false;
  pattern.remove_suffix(3);
  // "build/**" matches everything below build, so also everything below each directory inside build.
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  auto prefix = Split(pattern);
  prefix.emplace_back("**");
  return MatchesAll(prefix, Split(path));
}

}  // namespace s3
