// The buckets and objects of the embedded endpoint. Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/base/mutex.h"
#include "s3/endpoint/options.h"
#include "s3/endpoint/storage/object_data.h"
#include "s3/hash/hash.h"
#include "s3/http.h"

namespace s3::endpoint {

struct ObjectInfo {
  std::uint64_t size_bytes = 0;
  std::string etag;                // hex MD5, without quotes
  std::string sha256;              // hex, of the received bytes; empty if they came as parts
  std::int64_t last_modified = 0;  // seconds since the epoch
  std::vector<Header> headers;     // content-type, x-amz-meta-* and others; returned by GET and HEAD
  std::string tagging;             // the value of x-amz-tagging
  // "x-amz-checksum-..." and its value, then x-amz-checksum-type; empty if none was requested.
  std::vector<Header> checksum;
};

// The condition under which a write stores its object. By default there is none.
struct WriteCondition {
  bool if_absent = false;  // no object has the key
  // The object with the key has this ETag, without quotes; "*": there is one.
  std::optional<std::string> if_etag = {};
};

class Store {
 public:
  // With kDirectory, loads the objects of earlier runs. Throws std::runtime_error that names the file if a
  // file cannot be read.
  Store(Storage storage, std::string directory);
  ~Store();

  // Returns a receiver for the bytes of one object or part, which are not visible before Commit.
  std::unique_ptr<ObjectUpload> NewUpload();

  enum class Committed { kYes, kNoBucket, kAbsent, kConditionFailed };
  // Stores the concatenation of `parts` as the object `key` if the condition holds. No other write can come
  // between. kAbsent: the condition names an ETag, and there is no object.
  Committed Commit(const std::vector<StoredBytes>& parts, const std::string& bucket, const std::string& key,
                   ObjectInfo info, const WriteCondition& condition);

  bool CreateBucket(const std::string& bucket);  // returns false if the bucket exists
  bool HasBucket(const std::string& bucket) const;
  enum class Deleted { kYes, kAbsent, kNotEmpty };
  Deleted DeleteBucket(const std::string& bucket);
  std::vector<std::string> Buckets() const;

  // Returns description and data of the same object. The description is missing if there is no such object.
  // The data is also null if bodies are discarded.
  std::pair<std::optional<ObjectInfo>, std::shared_ptr<const ObjectData>> Open(const std::string& bucket,
                                                                               const std::string& key) const;
  std::optional<ObjectInfo> Head(const std::string& bucket, const std::string& key) const;
  std::shared_ptr<const ObjectData> Get(const std::string& bucket, const std::string& key) const;
  // Changes the tags in memory only. The meta file in a directory keeps the tags of the upload. Returns false
  // if there is no such object.
  bool SetTagging(const std::string& bucket, const std::string& key, const std::string& tagging);
  void DeleteObject(const std::string& bucket, const std::string& key);
  std::size_t CountObjects(const std::string& bucket) const;

  // Returns the first object whose key is greater than `after` and begins with `prefix`.
  std::optional<std::pair<std::string, ObjectInfo>> Next(const std::string& bucket, std::string_view prefix,
                                                         const std::string& after) const;

 private:
  struct Object {
    ObjectInfo info;
    std::shared_ptr<const ObjectData> data;
  };
  using Bucket = std::map<std::string, Object>;

  void LoadDirectory();
  static std::pair<std::string, Object> ReadObject(const std::filesystem::directory_entry& meta_file);
  std::string UploadPath() S3_REQUIRES(mutex_);  // returns a new path
  std::string BucketDirectory(const std::string& bucket) const;
  std::string MetaPath(const std::string& bucket, const std::string& key) const;
  void WriteObject(const std::string& bucket, const std::string& key, const ObjectInfo& info,
                   std::vector<StoredBytes>* parts) S3_REQUIRES(mutex_);
  const Object* Find(const std::string& bucket, const std::string& key) const S3_REQUIRES(mutex_);

  const Storage storage_;
  const std::string directory_;
  mutable Mutex mutex_;
  std::map<std::string, Bucket> buckets_ S3_GUARDED_BY(mutex_);
  std::uint64_t next_file_ S3_GUARDED_BY(mutex_) = 0;
};

}  // namespace s3::endpoint
