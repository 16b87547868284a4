// The scope in which a journal's results are valid: the kind of run, the store and bucket, and the properties
// of the objects. Values; pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/options.h"
#include "s3/options.h"

namespace pipeline {

struct RunScope {
  RunKind kind = RunKind::kRun;
  // All endpoints of the store, as "scheme://host:port". For AWS the only entry is the name of the partition,
  // because bucket names are unique in a partition
  // (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html). Empty only in a journal
  // of an old version, which did not record the stores.
  std::vector<std::string> stores;
  std::string bucket;
  // Six hex digits of the SHA-256 of all settings that change an object (pipeline/journal/DESIGN.md, "Changed
  // settings"). The settings include metadata from the environment, which may be secret (config/DESIGN.md,
  // "Secrets"). 24 bits are enough to find changes, because they miss only one change in 16 million. More
  // bits would tell a reader of the journal more about a secret.
  std::string objects;
};

RunScope ScopeOf(const Options& options, const s3::Options& s3_options);

std::string_view RunKindName(RunKind kind);
// Returns kRun for an unknown name.
RunKind RunKindOf(std::string_view name);

// Returns true if both scopes name the same bucket of the same store. Two lists of endpoints name the same
// store if they have an endpoint in common. Also returns true if `recorded` has no stores (an old version's
// journal).
bool IsSameStore(const RunScope& recorded, const RunScope& now);

// "bucket b at http://127.0.0.1:7480", for messages.
std::string DescribeStore(const RunScope& scope);

}  // namespace pipeline
