#include "pipeline/report/causes.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/report/format.h"

namespace pipeline {
namespace {

std::string_view WordsOf(s3::ErrorKind kind) {
  switch (kind) {
    case s3::ErrorKind::kTransient: return "network trouble or an error of the store, after all attempts";
    case s3::ErrorKind::kThrottled: return "the store asked for fewer requests, after all attempts";
    case s3::ErrorKind::kSlow: return "the store was too slow, after all attempts";
    case s3::ErrorKind::kClockSkewed: return "this machine's clock is wrong";
    case s3::ErrorKind::kExpiredCredentials: return "the credentials have expired";
    case s3::ErrorKind::kNoCredentials: return "there are no credentials any more";
    case s3::ErrorKind::kBadCredentials: return "wrong credentials";
    case s3::ErrorKind::kAccessDenied: return "permission denied by the store";
    case s3::ErrorKind::kNoSuchBucket: return "the bucket does not exist";
    case s3::ErrorKind::kWrongRegion: return "the bucket is in another region";
    case s3::ErrorKind::kUntrusted: return "the server's certificate is not trusted";
    case s3::ErrorKind::kWrongEndpoint: return "wrong endpoint";
    case s3::ErrorKind::kStoreFull: return "the store is full";
    case s3::ErrorKind::kIntegrity: return "the content in the store differs";
    case s3::ErrorKind::kPermanent: return "refused by the store";
    case s3::ErrorKind::kLocal: return "the file could not be read";
    case s3::ErrorKind::kChanged: return "the file changed while it was read";
    case s3::ErrorKind::kUnsupported: return "the input cannot become an object";
    case s3::ErrorKind::kConflict: return "another writer used the key at the same time";
    case s3::ErrorKind::kCancelled: return "the run was stopped";
  }
  return "unknown";
}

std::string GroupLine(std::string_view what, const std::string& cause, const CauseGroup& group) {
  std::string paths;
  for (const auto& path : group.first_paths) paths += (paths.empty() ? "" : ", ") + Printable(path);
  const auto* const lead = group.count == 1 ? ": " : ", first ";
  return fmt::format("{}: {}: {}{}{}\n", what, cause, Counted(group.count, "file", "files"),
                     paths.empty() ? "" : lead, paths);
}

}  // namespace

std::string CauseOf(const s3::Error& error) {
  const auto words = WordsOf(error.kind);
  return error.code.empty() ? std::string(words) : fmt::format("{} [{}]", words, Printable(error.code));
}

void AddCause(const std::string& cause, std::string_view path, Causes* causes) {
  const bool has_room = causes->size() < kMaxCauses || causes->contains(cause);
  auto& group = has_room ? (*causes)[cause] : (*causes)[kOtherCauses];
  ++group.count;
  if (group.first_paths.size() < CauseGroup::kMaxPaths) group.first_paths.emplace_back(path);
}

std::string CausesText(std::string_view what, const Causes& causes, std::size_t max_lines) {
  std::vector<Causes::const_pointer> groups;
  for (const auto& group : causes) groups.push_back(&group);
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto* a, const auto* b) { return a->second.count > b->second.count; });
  std::string text;
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i < max_lines) {
      text += GroupLine(what, groups[i]->first, groups[i]->second);
    } else {
      rest += groups[i]->second.count;
    }
  }
  if (rest > 0) text += fmt::format("{}: other causes: {}\n", what, Counted(rest, "file", "files"));
  return text;
}

}  // namespace pipeline
