// The multipart upload of an object that several shards have sent, and its completion.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "pipeline/journal/journal.h"
#include "pipeline/journal/open_uploads.h"
#include "pipeline/message.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/upload/property_rules.h"
#include "s3/client/multipart.h"

namespace pipeline {

struct SharedUpload {
  OpenUpload open;                         // from the plan's journal
  std::shared_ptr<const InputFile> file;   // null until a shard has sent one of its ranges
  std::map<int, s3::CompletedPart> parts;  // parts that shards have sent, by number
  bool range_failed = false;

  int part_count() const;
  bool IsWhole() const { return static_cast<int>(parts.size()) == part_count(); }
};

// Completes the upload, then sets tags and verifies the object as a run does. The store's list of parts must
// agree with the parts that the shards recorded. If the upload is gone, checks with a HeadObject whether the
// object has our token, because an earlier call may have completed it. Aborts the upload only if another
// writer has stored an object under the key (if_none_match). After any other failure the upload stays,
// because a shard may run again. Blocks. Keeps no pointer.
ObjectResult CompleteSharedUpload(const SharedUpload& upload, ClientFactory* store, Journal* journal,
                                  const PropertyRules& rules);

}  // namespace pipeline
