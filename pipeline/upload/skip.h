// Finds out whether the store has a file already, so that it is not uploaded again (resume.skip).
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

// Thread-safe. Looks into a list of the bucket that was made before, or sends a HeadObject for each file.
class SkipCheck {
 public:
  // Lists the objects below `key_prefix`, unless one request per file is cheaper: the listing goes on only
  // while there are more files than pages, which `one_more` tells (see Inputs). kSizeMtime with file times in
  // the metadata (`posix`) always sends one request per file, since a list has no metadata. Waits in the
  // client's waiter. Returns null for the modes that don't ask the store: kNever, kJournal, kIfNoneMatch.
  static s3::Result<std::unique_ptr<SkipCheck>> Prepare(SkipMode mode, bool posix,
                                                        std::string_view key_prefix,
                                                        const std::function<bool()>& one_more,
                                                        s3::Client* client);

  // Returns the reason why the file needs no upload, or nothing when it does. Precondition: `object.source`
  // and `object.properties` are set. kChecksum reads the file when size and list don't decide. Waits in
  // `waiter` for memory, and in the client's waiter.
  s3::Result<std::optional<std::string>> Find(const Object& object, s3::Client* client, BufferPool* buffers,
                                              s3::Waiter* waiter) const;

  // True with a list, false with a request for each file.
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
