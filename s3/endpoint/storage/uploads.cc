#include "s3/endpoint/storage/uploads.h"

#include <tuple>

#include "s3/hash/hash.h"

namespace s3::endpoint {

std::string Uploads::Create(PendingUpload upload) {
  upload.id = HexEncode(RandomBytes(16));
  auto id = upload.id;
  const MutexLock lock(mutex_);
  uploads_.emplace(Place(upload.bucket, upload.key, upload.id), std::move(upload));
  return id;
}

std::optional<PendingUpload> Uploads::Find(const std::string& bucket, const std::string& key,
                                           const std::string& id, bool with_parts) const {
  const MutexLock lock(mutex_);
  const auto found = uploads_.find(Place(bucket, key, id));
  if (found == uploads_.end()) return std::nullopt;
  const auto& upload = found->second;
  return PendingUpload{upload.bucket,      upload.key,
                       upload.id,          upload.initiated,
                       upload.info,        upload.checksum_header,
                       upload.full_object, with_parts ? upload.parts : decltype(upload.parts)()};
}

bool Uploads::PutPart(const std::string& bucket, const std::string& key, const std::string& id, int number,
                      UploadedPart part) {
  const MutexLock lock(mutex_);
  const auto found = uploads_.find(Place(bucket, key, id));
  if (found == uploads_.end()) return false;
  found->second.parts[number] = std::move(part);
  return true;
}

bool Uploads::Remove(const std::string& bucket, const std::string& key, const std::string& id) {
  const MutexLock lock(mutex_);
  return uploads_.erase(Place(bucket, key, id)) > 0;
}

std::vector<PendingUpload> Uploads::OfBucket(const std::string& bucket) const {
  std::vector<PendingUpload> uploads;
  const MutexLock lock(mutex_);
  for (const auto& [place, upload] : uploads_) {
    if (upload.bucket == bucket) uploads.push_back(upload);
  }
  return uploads;
}

}  // namespace s3::endpoint
