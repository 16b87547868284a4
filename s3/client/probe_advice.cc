#include "s3/client/probe_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace s3 {
namespace {

std::string_view RowOf(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::kMd5: return "checksum md5";
    case ChecksumAlgorithm::kCrc32c: return "checksum crc32c";
    case ChecksumAlgorithm::kCrc64Nvme: return "checksum crc64nvme";
    case ChecksumAlgorithm::kSha256: return "checksum sha256";
    default: return "";
  }
}

// Returns the number of results in the report that `profile` predicts; nothing when it contradicts a result.
std::optional<int> Explained(const ProbeReport& report, const StoreProfile& profile) {
  int explained = 0;
  const std::pair<std::string_view, Takes> predictions[] = {
      {"checksum crc32c", profile.checksum_headers},
      {"checksum sha256", profile.checksum_headers},
      {"checksum crc64nvme", profile.crc64nvme},
      {"trailer crc32c", profile.trailers},
      {"payload streaming", profile.streaming},
      {"if_none_match", profile.conditions},
      {"if_none_match parts", profile.conditions_on_complete}};
  for (const auto& [name, takes] : predictions) {
    const auto* row = report.Find(name);
    if (row == nullptr || takes == Takes::kVaries) continue;
    // A feature that the store ignores is neither supported nor refused: it contradicts a kYes and a kNo.
    const bool taken = row->outcome == ProbeOutcome::kWorks || row->outcome == ProbeOutcome::kChecked;
    const bool refused = row->outcome == ProbeOutcome::kRefused;
    const bool agrees = takes == Takes::kYes ? taken : refused;
    if (!agrees) return std::nullopt;
    ++explained;
  }
  if (report.own_etags && profile.etag_of_parts_is_md5) return std::nullopt;
  if (report.own_etags) ++explained;
  if (!profile.server_header.empty() && report.server.starts_with(profile.server_header)) explained += 10;
  return explained;
}

std::optional<std::string> ProfileAdvice(const ProbeReport& report, const StoreProfile& profile) {
  const auto fitting = FittingProfiles(report);
  const bool fits = Explained(report, profile).has_value();
  if (std::find(fitting.begin(), fitting.end(), &profile) != fitting.end()) return std::nullopt;
  std::string names;
  for (const auto* each : fitting) names += fmt::format("{}{}", names.empty() ? "" : " or ", each->name);
  if (fits)
    return fmt::format("this looks like a store of another profile: set destination.profile: {}", names);
  return fmt::format("this store contradicts profile {}: set destination.profile: {}", profile.name,
                     names.empty() ? "generic" : names);
}

}  // namespace

std::vector<const StoreProfile*> FittingProfiles(const ProbeReport& report) {
  std::vector<const StoreProfile*> best;
  int max = 0;
  for (const auto& profile : StoreProfiles()) {
    const auto explained = Explained(report, profile);
    if (!explained || *explained < max) continue;
    if (*explained > max) best.clear();
    max = *explained;
    best.push_back(&profile);
  }
  return best;
}

std::vector<std::string> AdviceOf(const ProbeReport& report, const IntegrityOptions& integrity,
                                  const StoreProfile& profile) {
  std::vector<std::string> advice;
  if (auto better = ProfileAdvice(report, profile)) advice.push_back(std::move(*better));
  const auto is = [&](std::string_view name, ProbeOutcome outcome) {
    const auto* row = report.Find(name);
    return row != nullptr && row->outcome == outcome;
  };
  using enum ProbeOutcome;
  if (is("head", kRefused)) {
    advice.emplace_back(
        "without HeadObject the result of a request whose response was lost stays unknown: allow "
        "s3:GetObject, which HeadObject needs");
  }
  if (is("multipart", kRefused)) {
    advice.emplace_back("large files fail: allow multipart uploads, or raise upload.multipart_threshold");
  }
  if (is("if_none_match", kIgnored) || is("if_none_match parts", kIgnored)) {
    advice.push_back(fmt::format(
        "the store ignores If-None-Match {}: with object.if_none_match s3flow checks the key with HeadObject "
        "before each such write; an object that another writer creates after that check is replaced",
        is("if_none_match", kIgnored) ? "on every write" : "when it completes multipart uploads"));
  }
  if (is("payload sha256", kIgnored)) {
    advice.emplace_back(
        "the store does not check the signed hash of a body: set integrity.verify: head, and report this "
        "fault to the store's makers");
  }
  for (const auto& [name, checksum] :
       {std::pair{"checksum crc64nvme", "crc64nvme"}, {"checksum crc32c", "crc32c"}}) {
    if (integrity.checksum == ChecksumAlgorithm::kMd5 && is(name, kChecked)) {
      advice.push_back(fmt::format(
          "set integrity.checksum: {}: the store checks it, and it costs almost no time; md5 takes 1.4 s of "
          "CPU per GiB",
          checksum));
      break;
    }
  }
  if (const auto own = RowOf(integrity.checksum); is(own, kIgnored)) {
    advice.push_back(
        fmt::format("the store ignores {}, so it protects nothing: choose another integrity.checksum", own));
  }
  if (report.clock_offset && std::chrono::abs(*report.clock_offset) > std::chrono::minutes(5)) {
    advice.emplace_back(
        "the clock of this machine or of the store is wrong: run NTP. Until then requests carry the store's "
        "time");
  }
  if (report.left_behind) advice.emplace_back("the probe's object could not be deleted: delete it by hand");
  return advice;
}

}  // namespace s3
