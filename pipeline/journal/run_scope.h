// What a result in a journal is about: which store and bucket, and what its objects are stored with. Values;
// pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/options.h"
#include "s3/options.h"

namespace pipeline {

struct RunScope {
  RunKind kind = RunKind::kRun;
  // Every way to the store, as "scheme://host:port"; for AWS one entry, the name of the partition, in which
  // bucket names are unique (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
  // Empty only in a journal that was written before this was recorded.
  std::vector<std::string> stores;
  std::string bucket;
  // Of the settings that change what an object is (pipeline/DESIGN.md, "Changed settings"): six hex digits of
  // their SHA-256. Metadata that the environment supplies is among them: 24 bits notice a change but for one
  // in 16 million, and give away no more of it to whoever reads the journal (config/DESIGN.md, "Secrets").
  std::string objects;
};

RunScope ScopeOf(const Options& options, const s3::Options& s3_options);

std::string_view RunKindName(RunKind kind);
// kRun for a name that is none.
RunKind RunKindOf(std::string_view name);

// True when both name one bucket of one store. Two lists of endpoints are of one store when they share one.
// True also when `recorded` names no store.
bool IsSameStore(const RunScope& recorded, const RunScope& now);

// "bucket b at http://127.0.0.1:7480", for messages.
std::string DescribeStore(const RunScope& scope);

}  // namespace pipeline
