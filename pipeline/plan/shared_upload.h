// An object that several shards have sent: its multipart upload, and how it is completed.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "pipeline/journal/history.h"
#include "pipeline/journal/journal.h"
#include "pipeline/message.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/upload/property_rules.h"
#include "s3/client/multipart.h"

namespace pipeline {

struct SharedUpload {
  OpenUpload open;                         // as the plan's journal has it
  std::shared_ptr<const InputFile> file;   // null while no shard has sent anything of it
  std::map<int, s3::CompletedPart> parts;  // sent, by number
  bool range_failed = false;

  int part_count() const;
  bool IsWhole() const { return static_cast<int>(parts.size()) == part_count(); }
};

// Completes it and sees to its tags and verification, as a run does. The store's list of parts must agree
// with what the shards have recorded. An upload that is gone is settled by asking whether the object is ours.
// Never aborts: a shard may be run again. Blocks. Nothing is owned.
ObjectResult CompleteSharedUpload(const SharedUpload& upload, ClientFactory* store, Journal* journal,
                                  const PropertyRules& rules);

}  // namespace pipeline
