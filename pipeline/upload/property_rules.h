// Which properties a file's object gets: those of the job, its rules, its type and its owner.
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

// Extension (lower case, without the dot) to content type, from text in the form of mime.types(5).
using MimeTypes = std::unordered_map<std::string, std::string>;
MimeTypes ParseMimeTypes(std::string_view text);

// Thread-safe once made.
class PropertyRules {
 public:
  // Reads the table of content types; kLocal when a file that the job names is not readable.
  static s3::Result<PropertyRules> Load(const ObjectOptions& options);

  // True when some objects may not replace others (if_none_match).
  bool AnyConditional() const;

  // `status` is that of the open file; null for a stream, which has no owner and mode to keep.
  s3::ObjectProperties PropertiesOf(const InputFile& file, const struct stat* status) const;

 private:
  explicit PropertyRules(ObjectOptions options) : options_(std::move(options)) {}

  ObjectOptions options_;
  MimeTypes types_;
};

// The metadata that FSx for Lustre and AWS's file gateways read and write.
// https://docs.aws.amazon.com/fsx/latest/LustreGuide/posix-metadata-support.html
void SetPosixMetadata(const struct stat& status, s3::ObjectProperties* properties);
// Nanoseconds since 1970 and "ns", for any time that a file can have.
std::string PosixTime(const timespec& time);

}  // namespace pipeline
