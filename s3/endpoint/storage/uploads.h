// The unfinished multipart uploads of the embedded endpoint, in memory. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "s3/base/mutex.h"
#include "s3/endpoint/storage/checksums.h"
#include "s3/endpoint/storage/store.h"

namespace s3::endpoint {

struct UploadedPart {
  StoredBytes bytes;
  std::string etag;      // hex MD5, without quotes
  std::string checksum;  // base64; empty if the upload has no algorithm
  std::int64_t last_modified = 0;
};

struct PendingUpload {
  std::string bucket, key, id;
  std::int64_t initiated = 0;
  ObjectInfo info;              // the headers and tags that the object will have
  std::string checksum_header;  // "x-amz-checksum-crc32c"; empty for none
  bool full_object = false;     // the checksum's type
  std::map<int, UploadedPart> parts;
};

class Uploads {
 public:
  // Returns the new upload's ID.
  std::string Create(PendingUpload upload);
  // Returns a copy, which shares the data. The copy contains the parts only if `with_parts`. Returns nothing
  // if there is no such upload.
  std::optional<PendingUpload> Find(const std::string& bucket, const std::string& key, const std::string& id,
                                    bool with_parts) const;
  // Returns false if there is no such upload.
  bool PutPart(const std::string& bucket, const std::string& key, const std::string& id, int number,
               UploadedPart part);
  // Returns false if there is no such upload.
  bool Remove(const std::string& bucket, const std::string& key, const std::string& id);
  // Returns the uploads of a bucket, sorted by key and then by ID.
  std::vector<PendingUpload> OfBucket(const std::string& bucket) const;

 private:
  using Place = std::tuple<std::string, std::string, std::string>;  // bucket, key, ID
  mutable Mutex mutex_;
  std::map<Place, PendingUpload> uploads_ S3_GUARDED_BY(mutex_);
};

}  // namespace s3::endpoint
