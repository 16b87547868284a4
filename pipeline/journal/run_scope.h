// What the results of a journal refer to: the kind of run, the store and bucket, and the properties of the
// objects. Values; pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/options.h"
#include "s3/options.h"

namespace pipeline {

struct RunScope {
  RunKind kind = RunKind::kRun;
  // Every way to the store, as "scheme://host:port". For AWS one entry, the name of the partition, in which
  // bucket names are unique (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
  // Empty only in a journal of a version that did not record it.
  std::vector<std::string> stores;
  std::string bucket;
  // Six hex digits of the SHA-256 of all settings that change an object (pipeline/journal/DESIGN.md, "Changed
  // settings"). These include metadata from the environment, which may be secret: 24 bits miss one change in
  // 16 million, and tell a reader of the journal no more than that about it (config/DESIGN.md, "Secrets").
  std::string objects;
};

RunScope ScopeOf(const Options& options, const s3::Options& s3_options);

std::string_view RunKindName(RunKind kind);
// Returns kRun for an unknown name.
RunKind RunKindOf(std::string_view name);

// True if both name the same bucket of the same store. Two lists of endpoints belong to one store if they
// have an endpoint in common. Also true if `recorded` names no store.
bool IsSameStore(const RunScope& recorded, const RunScope& now);

// "bucket b at http://127.0.0.1:7480", for messages.
std::string DescribeStore(const RunScope& scope);

}  // namespace pipeline
