#include "pipeline/journal/run_scope.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "s3/hash/checksum.h"
#include "s3/hash/hash.h"
#include "s3/stores/store_profiles.h"
#include "s3/uri.h"

namespace pipeline {
namespace {

// The names of all regions of a partition begin with the same prefix:
// https://docs.aws.amazon.com/general/latest/gr/rande.html
std::string PartitionOf(std::string_view region) {
  for (const std::string_view prefix : {"cn-", "us-gov-", "us-iso-", "us-isob-", "us-isof-", "eu-isoe-"}) {
    if (region.starts_with(prefix)) return fmt::format("aws-{}", prefix.substr(0, prefix.size() - 1));
  }
  return "aws";
}

std::vector<std::string> StoresOf(const s3::DestinationOptions& destination) {
  auto by_host = destination;
  by_host.profile = "auto";
  if (s3::ProfileOf(by_host).name == "aws") {
    return {PartitionOf(s3::RegionOf(by_host).value_or(destination.region))};
  }
  auto stores = destination.endpoints;
  if (stores.empty()) stores.push_back(destination.endpoint);
  for (auto& store : stores) {
    if (const auto endpoint = s3::ParseEndpoint(store)) store = endpoint->Url();
  }
  std::sort(stores.begin(), stores.end());
  return stores;
}

constexpr std::size_t kDigits = 6;  // see RunScope::objects

// Computes the digest of a list of texts. The length of each text is written before it, so no two lists give
// the same bytes.
class ListDigest {
 public:
  void Add(std::string_view text) { list_.append(fmt::format("{}:", text.size())).append(text); }

  // Sorts the properties, because their order in a job file has no effect.
  void Add(const s3::ObjectProperties& properties) {
    auto entries = properties.entries();
    // A condition decides whether an object is written, not what is written.
    std::erase_if(entries, [](const auto& entry) { return entry.name == "if-none-match"; });
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    Add(std::to_string(entries.size()));
    for (const auto& [name, value] : entries) {
      Add(name);
      Add(value);
    }
  }

  // Calls Sha256Hex once and does not use s3::Digest, because OpenSSL's first fetch of a digest takes longer
  // than everything else at the start of a run.
  std::string Finish() { return s3::Sha256Hex(list_).substr(0, kDigits); }

 private:
  std::string list_;
};

std::string ObjectDigest(const ObjectOptions& object, const s3::IntegrityOptions& integrity) {
  ListDigest digest;
  digest.Add(object.properties);
  for (const auto& rule : object.rules) {
    digest.Add(rule.match);
    digest.Add(rule.properties);
  }
  digest.Add(object.posix ? "posix" : "");
  digest.Add(object.mime_types);
  digest.Add(s3::ChecksumName(integrity.checksum));  // empty if no store keeps such a checksum
  return digest.Finish();
}

}  // namespace

RunScope ScopeOf(const Options& options, const s3::Options& s3_options) {
  const auto integrity = s3::ResolveIntegrity(s3_options.integrity, s3_options.destination);
  return {options.identity.kind, StoresOf(s3_options.destination), s3_options.destination.bucket,
          ObjectDigest(options.object, integrity)};
}

std::string_view RunKindName(RunKind kind) {
  switch (kind) {
    case RunKind::kRun: return "run";
    case RunKind::kPlan: return "plan";
    case RunKind::kRehearsal: return "rehearsal";
  }
  return "run";
}

RunKind RunKindOf(std::string_view name) {
  for (const auto kind : {RunKind::kPlan, RunKind::kRehearsal}) {
    if (name == RunKindName(kind)) return kind;
  }
  return RunKind::kRun;
}

bool IsSameStore(const RunScope& recorded, const RunScope& now) {
  if (recorded.stores.empty()) return true;
  return recorded.bucket == now.bucket &&
         std::any_of(recorded.stores.begin(), recorded.stores.end(), [&](const std::string& store) {
           return std::find(now.stores.begin(), now.stores.end(), store) != now.stores.end();
         });
}

std::string DescribeStore(const RunScope& scope) {
  return fmt::format("bucket {} at {}", scope.bucket, fmt::join(scope.stores, ", "));
}

}  // namespace pipeline
