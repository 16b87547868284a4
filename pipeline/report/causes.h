// Groups failures and skipped inputs by their causes, in words for people.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "s3/base/result.h"

namespace pipeline {

// "permission denied [AccessDenied]": what the kind of the error means, and the store's code.
std::string CauseOf(const s3::Error& error);

// The inputs with one cause.
struct CauseGroup {
  std::uint64_t count = 0;
  std::vector<std::string> first_paths;  // at most kMaxPaths
  static constexpr std::size_t kMaxPaths = 2;
};

// Groups by cause. Keeps at most kMaxCauses groups, because a server may send any codes; the others are one
// group named kOtherCauses.
using Causes = std::map<std::string, CauseGroup>;
inline constexpr std::size_t kMaxCauses = 100;
inline constexpr const char* kOtherCauses = "other causes";

void AddCause(const std::string& cause, std::string_view path, Causes* causes);

// Returns one line for each of the largest groups, at most `max_lines`, and one for the rest:
// "failed: permission denied: 5200 files, first data/a, data/b".
std::string CausesText(std::string_view what, const Causes& causes, std::size_t max_lines);

}  // namespace pipeline
