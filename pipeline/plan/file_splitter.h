// Splits files that are too large for one shard into ranges of parts, and creates the multipart upload that
// the ranges share.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/journal/journal.h"
#include "pipeline/message.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/upload/property_rules.h"
#include "s3/part_plan.h"

namespace pipeline {

// Divides the parts into `pieces` ranges, and returns the first and last part number of each range. The
// lengths of the ranges differ by at most one part.
std::vector<std::pair<int, int>> SplitParts(const s3::PartPlan& plan, int pieces);

struct LargeFile {
  std::shared_ptr<const InputFile> file;
  s3::PartPlan plan;  // has no parts if the file cannot be an object
  int pieces = 1;
  // Set by CreateUploads. Both stay empty for a file that cannot be opened or cannot be an object. Such a
  // file is assigned to one shard as a whole, and the shard's run reports the failure.
  std::string token, upload_id;
};

// Creates a multipart upload for each file, several at a time, and records it in `journal`. Stops at the
// first error and returns it. Blocks. Keeps no pointer.
s3::Result<void> CreateUploads(std::vector<LargeFile>* files, ClientFactory* store, Journal* journal,
                               const PropertyRules& rules, std::stop_token stop);

}  // namespace pipeline
