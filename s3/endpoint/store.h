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
#include "s3/hash.h"
#include "s3/http.h"

namespace s3::endpoint {

struct ObjectInfo {
  std::uint64_t size_bytes = 0;
  std::string etag;                // hex MD5, without quotes
  std::string sha256;              // hex, of the bytes that arrived
  std::int64_t last_modified = 0;  // seconds since the epoch
  std::vector<Header> headers;     // content-type and x-amz-meta-*, given back by GET and HEAD
};

// The bytes of one object. Stays readable after the object was replaced or deleted.
class ObjectData {
 public:
  virtual ~ObjectData() = default;
  // At most `size` bytes at `offset`; throws std::system_error when the disk fails.
  virtual std::string Read(std::uint64_t offset, std::size_t size) const = 0;
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

   private:
    friend class Store;
    virtual std::shared_ptr<const ObjectData> Finish() = 0;
  };
  std::unique_ptr<Upload> NewUpload();
  // Replaces the object. False when the bucket is gone.
  bool Commit(std::unique_ptr<Upload> upload, const std::string& bucket, const std::string& key,
              ObjectInfo info);

  bool CreateBucket(const std::string& bucket);  // false when it exists
  bool HasBucket(const std::string& bucket) const;
  enum class Deleted { kYes, kAbsent, kNotEmpty };
  Deleted DeleteBucket(const std::string& bucket);
  std::vector<std::string> Buckets() const;

  std::optional<ObjectInfo> Head(const std::string& bucket, const std::string& key) const;
  // Null when there is no such object, or when bodies are discarded.
  std::shared_ptr<const ObjectData> Get(const std::string& bucket, const std::string& key) const;
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
  std::string BucketDirectory(const std::string& bucket) const;
  std::string MetaPath(const std::string& bucket, const std::string& key) const;
  const Object* Find(const std::string& bucket, const std::string& key) const;

  const Storage storage_;
  const std::string directory_;
  mutable std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
  std::uint64_t next_file_ = 0;
};

}  // namespace s3::endpoint
