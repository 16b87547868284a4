#include "s3/endpoint/storage/store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace s3::endpoint {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Recognizes the names of files that this store creates: "DIGITS-DIGITS" for uploads, and
// "KEY_DIGEST-DIGITS-DIGITS.data" for the data of objects.
bool IsUploadName(std::string_view name) {
  const auto dash = name.find('-');
  const auto digits = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return dash != std::string_view::npos && digits(name.substr(0, dash)) && digits(name.substr(dash + 1));
}
bool IsDataName(std::string_view name) {
  constexpr std::size_t kDigestBytes = 64;
  constexpr std::string_view kEnd = ".data";
  if (name.size() <= kDigestBytes || name[kDigestBytes] != '-' || !name.ends_with(kEnd)) return false;
  name.remove_suffix(kEnd.size());
  return HexDecode(name.substr(0, kDigestBytes)).has_value() && IsUploadName(name.substr(kDigestBytes + 1));
}

Json ToJson(const std::vector<Header>& headers) {
  Json json = Json::array();
  for (const auto& [name, value] : headers) json.push_back({name, Base64Encode(value)});
  return json;
}

std::vector<Header> HeadersOf(const Json& json) {
  std::vector<Header> headers;
  for (const auto& header : json) {
    headers.push_back({header.at(0), Base64Decode(header.at(1).get<std::string>()).value()});
  }
  return headers;
}

Json ToJson(const std::string& key, const ObjectInfo& info, const Json& files) {
  return {{"key", Base64Encode(key)}, {"size", info.size_bytes},           {"etag", info.etag},
          {"sha256", info.sha256},    {"modified", info.last_modified},    {"headers", ToJson(info.headers)},
          {"tagging", info.tagging},  {"checksum", ToJson(info.checksum)}, {"data", files}};
}

}  // namespace

Store::Store(Storage storage, std::string directory) : storage_(storage), directory_(std::move(directory)) {
  if (storage_ == Storage::kDirectory) LoadDirectory();
}

Store::~Store() = default;

void Store::LoadDirectory() S3_NO_THREAD_SAFETY_ANALYSIS {  // for the constructor alone
  const auto uploads = fs::path(directory_) / ".uploads";
  fs::create_directories(uploads);
  if (fs::is_symlink(uploads)) throw std::runtime_error(uploads.string() + " is a symbolic link");
  // Removes the files of uploads that a crash interrupted.
  for (const auto& left : fs::directory_iterator(uploads)) {
    if (IsUploadName(left.path().filename().string())) fs::remove(left);
  }
  for (const auto& entry : fs::directory_iterator(directory_)) {
    const auto bucket = entry.path().filename().string();
    if (entry.symlink_status().type() != fs::file_type::directory || bucket.starts_with('.')) continue;
    auto& objects = buckets_[bucket];
    for (const auto& file : fs::directory_iterator(entry.path())) {
      if (file.path().extension() != ".meta") continue;
      try {
        auto [key, object] = ReadObject(file);
        objects[key] = std::move(object);
      } catch (const std::exception& error) {
        throw std::runtime_error(
            fmt::format("{}: not an object of this endpoint: {}", file.path().string(), error.what()));
      }
    }
  }
}

std::pair<std::string, Store::Object> Store::ReadObject(const fs::directory_entry& file) {
  if (file.symlink_status().type() != fs::file_type::regular) throw std::runtime_error("not a regular file");
  const auto meta = Json::parse(std::ifstream(file.path()));
  ObjectInfo info{meta.at("size"),
                  meta.at("etag"),
                  meta.at("sha256"),
                  meta.at("modified"),
                  HeadersOf(meta.at("headers")),
                  meta.at("tagging"),
                  HeadersOf(meta.at("checksum"))};
  std::vector<StoredBytes> parts;
  for (const auto& part : meta.at("data")) {
    const auto name = part.at(0).get<std::string>();
    if (!IsDataName(name)) throw std::runtime_error("it names a data file that this endpoint did not create");
    parts.push_back({MakeFileData((file.path().parent_path() / name).string()), part.at(1)});
  }
  return {Base64Decode(meta.at("key").get<std::string>()).value(), {std::move(info), Join(parts)}};
}

std::string Store::BucketDirectory(const std::string& bucket) const { return directory_ + "/" + bucket; }

// A key may have 1,024 bytes of any value, so the name of its file is the key's digest.
std::string Store::MetaPath(const std::string& bucket, const std::string& key) const {
  return fmt::format("{}/{}.meta", BucketDirectory(bucket), Sha256Hex(key));
}

std::unique_ptr<ObjectUpload> Store::NewUpload() {
  switch (storage_) {
    case Storage::kMemory: return MakeMemoryUpload();
    case Storage::kDiscard: return MakeNullUpload();
    case Storage::kDirectory: break;
  }
  const MutexLock lock(mutex_);
  return MakeFileUpload(UploadPath());
}

std::string Store::UploadPath() {
  return fmt::format("{}/.uploads/{}-{}", directory_, getpid(), next_file_++);
}

// Moves the data first, then renames the meta file, so that after a crash either the old or the new object
// exists.
void Store::WriteObject(const std::string& bucket, const std::string& key, const ObjectInfo& info,
                        std::vector<StoredBytes>* parts) {
  Json files = Json::array();
  for (auto& part : *parts) {
    const auto name = fmt::format("{}-{}-{}.data", Sha256Hex(key), getpid(), next_file_++);
    const auto path = BucketDirectory(bucket) + "/" + name;
    fs::rename(part.data->path(), path);
    part.data = MakeFileData(path);
    files.push_back({name, part.size_bytes});
  }
  const auto meta = MetaPath(bucket, key);
  const auto fresh = meta + ".new";
  fs::remove(fresh);  // a file that a crash left, or a link that another user created
  NewFile(fresh).Write(ToJson(key, info, files).dump());
  fs::rename(fresh, meta);
}

Store::Committed Store::Commit(const std::vector<StoredBytes>& parts, const std::string& bucket,
                               const std::string& key, ObjectInfo info, const WriteCondition& condition) {
  auto kept = parts;
  const MutexLock lock(mutex_);
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return Committed::kNoBucket;
  const auto* before = Find(bucket, key);
  if (condition.if_absent && before != nullptr) return Committed::kConditionFailed;
  if (condition.if_etag) {
    if (before == nullptr) return Committed::kAbsent;
    const bool is_meant = condition.if_etag == "*" || condition.if_etag == before->info.etag;
    if (!is_meant) return Committed::kConditionFailed;
  }
  if (storage_ == Storage::kDirectory) WriteObject(bucket, key, info, &kept);
  auto& object = found->second[key];
  if (object.data) object.data->RemoveAtEnd();
  object = {std::move(info), Join(kept)};
  return Committed::kYes;
}

bool Store::CreateBucket(const std::string& bucket) {
  const MutexLock lock(mutex_);
  if (storage_ == Storage::kDirectory) fs::create_directories(BucketDirectory(bucket));
  return buckets_.try_emplace(bucket).second;
}

bool Store::HasBucket(const std::string& bucket) const {
  const MutexLock lock(mutex_);
  return buckets_.contains(bucket);
}

Store::Deleted Store::DeleteBucket(const std::string& bucket) {
  const MutexLock lock(mutex_);
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return Deleted::kAbsent;
  if (!found->second.empty()) return Deleted::kNotEmpty;
  if (storage_ == Storage::kDirectory) {
    // Removes only files that this store created and a crash left. The directory may contain foreign files.
    const fs::path path = BucketDirectory(bucket);
    for (const auto& left : fs::directory_iterator(path)) {
      const auto name = left.path().filename().string();
      if (IsDataName(name) || name.ends_with(".meta.new")) fs::remove(left);
    }
    if (!fs::is_empty(path)) return Deleted::kNotEmpty;
    fs::remove(path);
  }
  buckets_.erase(found);
  return Deleted::kYes;
}

std::vector<std::string> Store::Buckets() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, objects] : buckets_) names.push_back(name);
  return names;
}

const Store::Object* Store::Find(const std::string& bucket, const std::string& key) const {
  const auto objects = buckets_.find(bucket);
  if (objects == buckets_.end()) return nullptr;
  const auto object = objects->second.find(key);
  return object == objects->second.end() ? nullptr : &object->second;
}

std::pair<std::optional<ObjectInfo>, std::shared_ptr<const ObjectData>> Store::Open(
    const std::string& bucket, const std::string& key) const {
  const MutexLock lock(mutex_);
  const auto* object = Find(bucket, key);
  if (object == nullptr) return {};
  return {object->info, object->data};
}

std::optional<ObjectInfo> Store::Head(const std::string& bucket, const std::string& key) const {
  return Open(bucket, key).first;
}

std::shared_ptr<const ObjectData> Store::Get(const std::string& bucket, const std::string& key) const {
  return Open(bucket, key).second;
}

bool Store::SetTagging(const std::string& bucket, const std::string& key, const std::string& tagging) {
  const MutexLock lock(mutex_);
  if (Find(bucket, key) == nullptr) return false;
  buckets_[bucket][key].info.tagging = tagging;
  return true;
}

void Store::DeleteObject(const std::string& bucket, const std::string& key) {
  const MutexLock lock(mutex_);
  const auto* object = Find(bucket, key);
  if (object == nullptr) return;
  if (storage_ == Storage::kDirectory) {
    unlink(MetaPath(bucket, key).c_str());
    object->data->RemoveAtEnd();
  }
  buckets_.find(bucket)->second.erase(key);
}

std::size_t Store::CountObjects(const std::string& bucket) const {
  const MutexLock lock(mutex_);
  const auto found = buckets_.find(bucket);
  return found == buckets_.end() ? 0 : found->second.size();
}

std::optional<std::pair<std::string, ObjectInfo>> Store::Next(const std::string& bucket,
                                                              std::string_view prefix,
                                                              const std::string& after) const {
  const MutexLock lock(mutex_);
  const auto objects = buckets_.find(bucket);
  if (objects == buckets_.end()) return std::nullopt;
  auto it =
      after < prefix ? objects->second.lower_bound(std::string(prefix)) : objects->second.upper_bound(after);
  if (it == objects->second.end() || !it->first.starts_with(prefix)) return std::nullopt;
  return std::pair(it->first, it->second.info);
}

}  // namespace s3::endpoint
