// Second step of an upload: reads and digests the payload of a request, and checks that it comes from one
// version of the file.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "pipeline/upload/object.h"
#include "pipeline/upload/steps/context.h"
#include "s3/api/payload.h"
#include "s3/base/result.h"

namespace pipeline {

// The check: size and mtime tell whether a file has changed (OpenFile::MayHaveChanged). If they cannot tell,
// the file is read a second time. If both readings are equal in every byte, the file had that content at the
// moment between them. The check misses a change only if the bytes also changed back between the two
// readings.
//
// Thread-safe. Errors are kChanged, or those of OpenFile::Read.
class PayloadReader {
 public:
  // Doesn't own `context`.
  explicit PayloadReader(const UploadContext* context) : context_(*context) {}

  // Reads memory.size() bytes of the file from `offset` and digests them while they are in the processor's
  // cache. The returned payload is either in `memory`, or will be sent from the file (sendfile). In the
  // second case only the front of `memory` is used, repeatedly; the rest is reserved in the budget for the
  // page cache that the bytes need until they are sent. The payload refers to `object` and `memory`, which
  // must outlive it.
  s3::Result<s3::Payload> Read(const Object& object, std::uint64_t offset, std::span<char> memory) const;

  // Digests bytes that are in memory. The bytes must outlive the payload, which refers to them.
  s3::Payload Digest(std::span<const char> bytes) const;

  // Checks an object of one request before it is sent. `memory`: as passed to Read(). The check may read the
  // file into `memory` again; if it succeeds, `memory` has the same content as before.
  s3::Result<void> CheckPayload(const Object& object, std::uint64_t offset, std::span<char> memory,
                                const s3::Payload& payload) const;

  // Checks all parts that were sent, one after the other, with the memory of one part. Call it after all
  // parts have been sent. Fails with kCancelled when the run stops during the check.
  s3::Result<void> CheckParts(const Object& object) const;

 private:
  bool SendsFromFile(const Object& object) const;
  s3::Result<void> CheckDigest(const Object& object, std::uint64_t offset, std::span<char> memory,
                               const std::string& digest) const;

  const UploadContext& context_;
};

// Returns the strongest digest of a payload, with its kind. Equal digests show that the bytes are the same as
// those of an earlier session, or of an earlier reading.
std::string PartDigest(const s3::Payload& payload);

}  // namespace pipeline
