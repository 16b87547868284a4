// Multipart uploads that are under way in the embedded endpoint. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "s3/endpoint/storage/checksums.h"
#include "s3/endpoint/storage/store.h"

namespace s3::endpoint {

struct UploadedPart {
  StoredBytes bytes;
  std::string etag;      // hex MD5, without quotes
  std::string checksum;  // base64, when the upload has an algorithm
  std::int64_t last_modified = 0;
};

struct PendingUpload {
  std::string bucket, key, id;
  std::int64_t initiated = 0;
  ObjectInfo info;              // headers and tagging as the object will have them
  std::string checksum_header;  // "x-amz-checksum-crc32c"; empty for none
  bool full_object = false;     // the checksum's type
  std::map<int, UploadedPart> parts;
};

class Uploads {
 public:
  // Returns the new upload's ID.
  std::string Create(PendingUpload upload);
  // A copy, without the data being copied, and with the parts only when asked for; nothing when there is no
  // such upload of that object.
  std::optional<PendingUpload> Find(const std::string& bucket, const std::string& key, const std::string& id,
                                    bool with_parts) const;
  // False when the upload is gone.
  bool PutPart(const std::string& bucket, const std::string& key, const std::string& id, int number,
               UploadedPart part);
  // Takes the upload away; false when it is gone.
  bool Remove(const std::string& bucket, const std::string& key, const std::string& id);
  // Of a bucket, by key and then by ID.
  std::vector<PendingUpload> OfBucket(const std::string& bucket) const;

 private:
  using Place = std::tuple<std::string, std::string, std::string>;  // bucket, key, ID
  mutable std::mutex mutex_;
  std::map<Place, PendingUpload> uploads_;
};

}  // namespace s3::endpoint
