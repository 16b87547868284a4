// Cuts files that are too large for one shard into ranges of parts, and creates the upload that those share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/journal/journal.h"
#include "pipeline/message.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/upload/property_rules.h"
#include "s3/part_plan.h"

namespace pipeline {

// `plan`'s parts in `pieces` ranges as equal as can be; (first, last) of each.
std::vector<std::pair<int, int>> SplitParts(const s3::PartPlan& plan, int pieces);

struct LargeFile {
  std::shared_ptr<const InputFile> file;
  s3::PartPlan plan;  // without parts when there is none
  int pieces = 1;
  // Filled by CreateUploads; empty for a file that is no longer what it was when it was found, and for one
  // that cannot be an object: its run says so.
  std::string token, upload_id;
};

// Creates an upload for each, several at a time, so that `journal` knows of it. The first error ends it.
// Blocks. Nothing is owned.
s3::Result<void> CreateUploads(std::vector<LargeFile>* files, ClientFactory* store, Journal* journal,
                               const PropertyRules& rules, std::stop_token stop);

}  // namespace pipeline
