// Decides whether the store already has a file, so that no upload is needed (resume.skip).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/options.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/existing.h"
#include "pipeline/upload/object.h"
#include "s3/client/client.h"

namespace pipeline {

// Uses the list of objects that Prepare() has read, or sends a HeadObject for each file. Thread-safe.
class SkipCheck {
 public:
  // Lists the objects below `key_prefix`, unless one HeadObject per file needs fewer requests. So it stops
  // listing when the list has at least as many pages as there are files. `one_more` returns true once for
  // each file (see Inputs). kSizeMtime with file times in the metadata (`posix`) always sends one HeadObject
  // per file, because a list has no metadata. Waits in the client's waiter. Returns null for the modes that
  // don't compare with the store: kNever, kJournal, kIfNoneMatch.
  static s3::Result<std::unique_ptr<SkipCheck>> Prepare(SkipMode mode, bool posix,
                                                        std::string_view key_prefix,
                                                        const std::function<bool()>& one_more,
                                                        s3::Client* client);

  // Returns the reason why the file needs no upload, or nothing if the file must be uploaded. Precondition:
  // `object.source` and `object.properties` are set. kChecksum reads the file if the size is equal. Waits in
  // `waiter` for memory, and in the client's waiter for responses.
  s3::Result<std::optional<std::string>> Find(const Object& object, s3::Client* client, BufferPool* buffers,
                                              s3::Waiter* waiter) const;

  // True if Find() uses a list, false if it sends a HeadObject for each file.
  bool lists() const { return listed_ != nullptr; }
  std::uint64_t pages() const { return pages_; }
  std::uint64_t listed_objects() const { return listed_ ? listed_->size() : 0; }

 private:
  explicit SkipCheck(SkipMode mode) : mode_(mode) {}
  s3::Result<bool> IsSameByTime(const Object& object, s3::Client* client) const;
  s3::Result<bool> IsSameByContent(const Object& object, s3::Client* client, BufferPool* buffers,
                                   s3::Waiter* waiter) const;

  const SkipMode mode_;
  std::unique_ptr<ExistingObjects> listed_;
  std::uint64_t pages_ = 0;
};

}  // namespace pipeline
