// Whether the store has a file already: what is there is not uploaded again.
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

// Thread-safe. Asks the list that was made before, or the store for each object by HeadObject.
class SkipCheck {
 public:
  // Lists what is below `key_prefix`, unless that takes more requests than to ask for each file: `one_more`
  // (see Inputs) is called as often as it takes to know that there are more of them than pages. With file
  // times in the metadata (`posix`), which no list has, kSizeMtime asks for each. Waits in the client's
  // waiter. Nothing for the modes that ask nobody: kNever, kJournal, kIfNoneMatch.
  static s3::Result<std::unique_ptr<SkipCheck>> Prepare(SkipMode mode, bool posix,
                                                        std::string_view key_prefix,
                                                        const std::function<bool()>& one_more,
                                                        s3::Client* client);

  // Why the file needs no upload; nothing when it does. `object` is open. kChecksum reads the file, where
  // size and list leave it open.
  s3::Result<std::optional<std::string>> Find(const Object& object, s3::Client* client, BufferPool* buffers,
                                              s3::Waiter* waiter) const;

  // By list, or by asking for each object.
  bool lists() const { return listed_ != nullptr; }
  std::uint64_t pages() const { return pages_; }
  std::uint64_t listed_objects() const { return listed_ ? listed_->size() : 0; }

 private:
  explicit SkipCheck(SkipMode mode) : mode_(mode) {}
  s3::Result<bool> HasTime(const Object& object, s3::Client* client) const;
  s3::Result<bool> HasContent(const Object& object, s3::Client* client, BufferPool* buffers,
                              s3::Waiter* waiter) const;

  const SkipMode mode_;
  std::unique_ptr<ExistingObjects> listed_;
  std::uint64_t pages_ = 0;
};

}  // namespace pipeline
