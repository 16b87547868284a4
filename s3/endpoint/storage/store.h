// Buckets and objects of the embedded endpoint. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/endpoint/options.h"
#include "s3/hash/hash.h"
#include "s3/http.h"

namespace s3::endpoint {

struct ObjectInfo {
  std::uint64_t size_bytes = 0;
  std::string etag;                // hex MD5, without quotes
  std::string sha256;              // hex, of the bytes that arrived; empty when they came as parts
  std::int64_t last_modified = 0;  // seconds since the epoch
  std::vector<Header> headers;     // content-type and x-amz-meta-*, given back by GET and HEAD
  std::string tagging;             // as x-amz-tagging gave it
  // "x-amz-checksum-..." and its value, then x-amz-checksum-type; empty when none was asked for.
  std::vector<Header> checksum;
};

// The bytes of one object. Stays readable after the object was replaced or deleted.
class ObjectData {
 public:
  virtual ~ObjectData() = default;
  // At most `size` bytes at `offset`; throws std::system_error when the disk fails.
  virtual std::string Read(std::uint64_t offset, std::size_t size) const = 0;
  // What is on a disk is gone when the last reader is.
  virtual void RemoveAtEnd() const {}
};

// Bytes that were received and belong to no object yet. `data` is null when bodies are discarded.
struct StoredBytes {
  std::shared_ptr<const ObjectData> data;
  std::uint64_t size_bytes = 0;
};

class Store {
 public:
  // With kDirectory, finds again what an earlier run stored; throws std::runtime_error naming what
  // cannot be read.
  Store(Storage storage, std::string directory);
  ~Store();

  // Receives one object's bytes; nothing is visible before Commit.
  class Upload {
   public:
    virtual ~Upload() = default;
    virtual void Write(std::string_view bytes) = 0;  // throws std::system_error
    // The bytes, which go again with the last who holds them, unless they are committed.
    virtual std::shared_ptr<const ObjectData> Finish() = 0;
  };
  std::unique_ptr<Upload> NewUpload();
  static std::unique_ptr<Upload> NullUpload();  // forgets what it is given

  enum class Committed { kYes, kNoBucket, kExists };
  // Makes `parts`, one after the other, the object; replaces what is there unless `only_if_absent`.
  Committed Commit(const std::vector<StoredBytes>& parts, const std::string& bucket, const std::string& key,
                   ObjectInfo info, bool only_if_absent);

  bool CreateBucket(const std::string& bucket);  // false when it exists
  bool HasBucket(const std::string& bucket) const;
  enum class Deleted { kYes, kAbsent, kNotEmpty };
  Deleted DeleteBucket(const std::string& bucket);
  std::vector<std::string> Buckets() const;

  std::optional<ObjectInfo> Head(const std::string& bucket, const std::string& key) const;
  // Null when there is no such object, or when bodies are discarded.
  std::shared_ptr<const ObjectData> Get(const std::string& bucket, const std::string& key) const;
  // In memory only: a directory keeps the tags that the object came with. False when it is absent.
  bool SetTagging(const std::string& bucket, const std::string& key, const std::string& tagging);
  void DeleteObject(const std::string& bucket, const std::string& key);
  std::size_t CountObjects(const std::string& bucket) const;

  // The first object whose key is greater than `after` and begins with `prefix`.
  std::optional<std::pair<std::string, ObjectInfo>> Next(const std::string& bucket, std::string_view prefix,
                                                         const std::string& after) const;

 private:
  struct Object {
    ObjectInfo info;
    std::shared_ptr<const ObjectData> data;
  };
  using Bucket = std::map<std::string, Object>;

  void LoadDirectory();
  std::string UploadPath();  // of a new one; called with the mutex held
  std::string BucketDirectory(const std::string& bucket) const;
  std::string MetaPath(const std::string& bucket, const std::string& key) const;
  void WriteObject(const std::string& bucket, const std::string& key, const ObjectInfo& info,
                   std::vector<StoredBytes>* parts);
  const Object* Find(const std::string& bucket, const std::string& key) const;

  const Storage storage_;
  const std::string directory_;
  mutable std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
  std::uint64_t next_file_ = 0;
};

}  // namespace s3::endpoint
