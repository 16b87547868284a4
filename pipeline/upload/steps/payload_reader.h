// Second step of an upload: reads and digests what a request carries, and checks that it is one version of
// the file.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "pipeline/upload/object.h"
#include "pipeline/upload/steps/context.h"
#include "s3/api/payload.h"
#include "s3/base/result.h"

namespace pipeline {

// The checks: times tell whether a file may have changed (OpenFile::MayHaveChanged). Where they don't, it is
// read a second time. When both readings agree in every byte, the file had that content at the moment between
// them, whatever happened before and afterwards. Not noticed: a byte that changed and changed back between
// both readings.
//
// Thread-safe. Errors are kChanged, or those of OpenFile::Read.
class PayloadReader {
 public:
  // Doesn't own `context`.
  explicit PayloadReader(const UploadContext* context) : context_(*context) {}

  // Reads memory.size() bytes of the file from `offset` and digests them while they are in the processor's
  // cache. Either the payload is in `memory`, or it will be sent from the file (sendfile). Then only the
  // front of `memory` is touched, again and again; the rest stands for the page cache that the bytes need
  // until they are sent. The payload refers to `object` and `memory`.
  s3::Result<s3::Payload> Read(const Object& object, std::uint64_t offset, std::span<char> memory) const;

  // Digests bytes that are in memory. The payload refers to them.
  s3::Payload Digest(std::span<const char> bytes) const;

  // Checks an object of one request before it is sent; `memory` as at Read, with the same content afterwards.
  s3::Result<void> CheckPayload(const Object& object, std::uint64_t offset, std::span<char> memory,
                                const s3::Payload& payload) const;

  // Checks all parts that were sent, one after the other, with the memory of one part. Call it when no part
  // is being sent any more. kCancelled when the run stops meanwhile.
  s3::Result<void> CheckParts(const Object& object) const;

 private:
  bool SendsFromFile(const Object& object) const;
  s3::Result<void> CheckDigest(const Object& object, std::uint64_t offset, std::span<char> memory,
                               const std::string& digest) const;

  const UploadContext& context_;
};

// The strongest digest that a payload has, with its kind: to compare what an earlier session sent, what is to
// be sent now, and what is read again.
std::string PartDigest(const s3::Payload& payload);

}  // namespace pipeline
