// Decides which properties a file's object gets: from the job, its rules, the file's extension and its owner.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <unordered_map>

#include "pipeline/message.h"
#include "pipeline/options.h"
#include "s3/api/properties.h"
#include "s3/base/result.h"

namespace pipeline {

// Maps an extension (lower case, without the dot) to a content type.
using MimeTypes = std::unordered_map<std::string, std::string>;
// `text`: in the format of mime.types(5). Lines with an invalid type are left out.
MimeTypes ParseMimeTypes(std::string_view text);

// Immutable after Load(), and therefore thread-safe.
class PropertyRules {
 public:
  // Reads the table of content types. Fails with kLocal if the job names a table that can't be read. The
  // system's own table may be missing.
  static s3::Result<PropertyRules> Load(const ObjectOptions& options);

  // Returns true when some objects must not replace existing ones (if_none_match).
  bool AnyConditional() const;

  // Returns the properties of the file's object. `status`: of the open file; null for a stream or a buffer,
  // which has neither owner nor mode.
  s3::ObjectProperties PropertiesOf(const InputFile& file, const struct stat* status) const;

 private:
  explicit PropertyRules(ObjectOptions options) : options_(std::move(options)) {}

  ObjectOptions options_;
  MimeTypes types_;
};

// Sets the metadata that FSx for Lustre and AWS's file gateways read and write.
// https://docs.aws.amazon.com/fsx/latest/LustreGuide/posix-metadata-support.html
void SetPosixMetadata(const struct stat& status, s3::ObjectProperties* properties);
// Returns `time` as nanoseconds since 1970 with the suffix "ns". Exact for any time that a file can have.
std::string PosixTime(const timespec& time);

}  // namespace pipeline
