// The bytes of objects: in memory, in files, or only counted. ObjectData may be read by any thread. All other
// classes of this file are for one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "s3/base/unique_fd.h"

namespace s3::endpoint {

// The bytes of one object, which stay readable after the object was replaced or deleted.
class ObjectData {
 public:
  virtual ~ObjectData() = default;
  // Returns at most `size` bytes at `offset`; throws std::system_error if the disk fails.
  virtual std::string Read(std::uint64_t offset, std::size_t size) const = 0;
  // Deletes the data's file, if there is one, when the last reader is gone.
  virtual void RemoveAtEnd() const {}
  // Returns the path of the data's file; empty if the data is not in exactly one file.
  virtual std::string path() const { return ""; }
};

// Received bytes that do not yet belong to an object. `data` is null if bodies are discarded.
struct StoredBytes {
  std::shared_ptr<const ObjectData> data;
  std::uint64_t size_bytes = 0;
};

// Returns the concatenation of `parts`; null if bodies are discarded. Copies no bytes.
std::shared_ptr<const ObjectData> Join(const std::vector<StoredBytes>& parts);

// Receives the bytes of one object or part.
class ObjectUpload {
 public:
  virtual ~ObjectUpload() = default;
  virtual void Write(std::string_view bytes) = 0;  // throws std::system_error
  // Returns the bytes. When the last owner is gone, they are deleted, unless they were committed to the
  // store.
  virtual std::shared_ptr<const ObjectData> Finish() = 0;
};

std::unique_ptr<ObjectUpload> MakeMemoryUpload();
std::unique_ptr<ObjectUpload> MakeNullUpload();  // drops its bytes
// Creates the file; throws std::system_error if it exists.
std::unique_ptr<ObjectUpload> MakeFileUpload(const std::string& path);

// Returns the data of an existing file.
std::shared_ptr<const ObjectData> MakeFileData(std::string path);

// A new file. It is created with O_EXCL, so nothing is ever written to an existing file or through a link.
class NewFile {
 public:
  explicit NewFile(const std::string& path);  // throws std::system_error
  void Write(std::string_view bytes);         // throws std::system_error

 private:
  const std::string path_;
  const UniqueFd fd_;
};

}  // namespace s3::endpoint
