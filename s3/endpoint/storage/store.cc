#include "s3/endpoint/storage/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "s3/base/unique_fd.h"

namespace s3::endpoint {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

[[noreturn]] void ThrowErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class MemoryData final : public ObjectData {
 public:
  explicit MemoryData(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string Read(std::uint64_t offset, std::size_t size) const override {
    return offset >= bytes_.size() ? "" : bytes_.substr(offset, size);
  }

 private:
  const std::string bytes_;
};

// Owns an open file: a reader is not disturbed when the object is replaced.
class FileData final : public ObjectData {
 public:
  FileData(std::string path, bool remove_at_end) : path_(std::move(path)), remove_(remove_at_end) {}
  ~FileData() override {
    if (remove_) unlink(path_.c_str());
  }
  std::string Read(std::uint64_t offset, std::size_t size) const override {
    // Opened per read: ten thousand objects must not hold ten thousand descriptors.
    const UniqueFd fd(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd.get() < 0) ThrowErrno(path_);
    std::string bytes(size, '\0');
    const ssize_t got = pread(fd.get(), bytes.data(), size, static_cast<off_t>(offset));
    if (got < 0) ThrowErrno(path_);
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }
  const std::string& path() const { return path_; }
  void RemoveAtEnd() const override { remove_ = true; }

 private:
  const std::string path_;
  mutable bool remove_;
};

// Parts, one after the other.
class PartsData final : public ObjectData {
 public:
  explicit PartsData(std::vector<StoredBytes> parts) : parts_(std::move(parts)) {
    for (const auto& part : parts_) ends_.push_back((ends_.empty() ? 0 : ends_.back()) + part.size_bytes);
  }
  std::string Read(std::uint64_t offset, std::size_t size) const override {
    std::string bytes;
    auto index =
        static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), offset) - ends_.begin());
    for (; index < parts_.size() && bytes.size() < size; ++index) {
      const auto begin = ends_[index] - parts_[index].size_bytes;
      const auto wanted = std::min<std::uint64_t>(size - bytes.size(), ends_[index] - offset);
      const auto piece = parts_[index].data->Read(offset - begin, wanted);
      if (piece.empty()) break;
      bytes += piece;
      offset += piece.size();
    }
    return bytes;
  }
  void RemoveAtEnd() const override {
    for (const auto& part : parts_) part.data->RemoveAtEnd();
  }

 private:
  const std::vector<StoredBytes> parts_;
  std::vector<std::uint64_t> ends_;
};

std::shared_ptr<const ObjectData> Join(const std::vector<StoredBytes>& parts) {
  if (parts.size() == 1) return parts[0].data;
  const bool discarded = std::any_of(parts.begin(), parts.end(), [](const auto& part) { return !part.data; });
  return discarded ? nullptr : std::make_shared<PartsData>(parts);
}

class MemoryUpload final : public Store::Upload {
 public:
  void Write(std::string_view bytes) override { bytes_.append(bytes); }
  std::shared_ptr<const ObjectData> Finish() override {
    return std::make_shared<MemoryData>(std::move(bytes_));
  }

 private:
  std::string bytes_;
};

class DiscardUpload final : public Store::Upload {
 public:
  void Write(std::string_view) override {}
  std::shared_ptr<const ObjectData> Finish() override { return nullptr; }
};

// A file that was not there: nothing that lies in its place is written to, nor what a link there names.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(path), fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
    if (fd_.get() < 0) ThrowErrno(path);
  }
  void Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) ThrowErrno(path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  const std::string path_;
  const UniqueFd fd_;
};

class FileUpload final : public Store::Upload {
 public:
  explicit FileUpload(const std::string& path) : data_(std::make_shared<FileData>(path, true)), file_(path) {}
  void Write(std::string_view bytes) override { file_->Write(bytes); }
  std::shared_ptr<const ObjectData> Finish() override {
    file_.reset();
    return data_;
  }

 private:
  std::shared_ptr<const FileData> data_;
  std::optional<NewFile> file_;
};

// What this store makes: data of objects and uploads, "DIGITS-DIGITS" with a key's digest in front and
// ".data" behind, or as it is.
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

void Store::LoadDirectory() {
  const auto uploads = fs::path(directory_) / ".uploads";
  fs::create_directories(uploads);
  if (fs::is_symlink(uploads)) throw std::runtime_error(uploads.string() + " is a symbolic link");
  // Bodies of uploads that a crash interrupted belong to no object.
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
        if (file.symlink_status().type() != fs::file_type::regular) throw std::runtime_error("no file");
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
          if (!IsDataName(name)) throw std::runtime_error("its data is elsewhere");
          const auto path = (entry.path() / name).string();
          parts.push_back({std::make_shared<FileData>(path, false), part.at(1)});
        }
        objects[Base64Decode(meta.at("key").get<std::string>()).value()] = {std::move(info), Join(parts)};
      } catch (const std::exception& error) {
        throw std::runtime_error(
            fmt::format("{}: not an object of this endpoint: {}", file.path().string(), error.what()));
      }
    }
  }
}

std::string Store::BucketDirectory(const std::string& bucket) const { return directory_ + "/" + bucket; }

// Keys are any bytes and up to 1,024 long: file names are their digests.
std::string Store::MetaPath(const std::string& bucket, const std::string& key) const {
  return fmt::format("{}/{}.meta", BucketDirectory(bucket), Sha256Hex(key));
}

std::unique_ptr<Store::Upload> Store::NewUpload() {
  switch (storage_) {
    case Storage::kMemory: return std::make_unique<MemoryUpload>();
    case Storage::kDiscard: return NullUpload();
    case Storage::kDirectory: break;
  }
  std::lock_guard lock(mutex_);
  return std::make_unique<FileUpload>(UploadPath());
}

std::string Store::UploadPath() {
  return fmt::format("{}/.uploads/{}-{}", directory_, getpid(), next_file_++);
}

// Data first, then the meta file by rename: a crash leaves the old object or the new one.
void Store::WriteObject(const std::string& bucket, const std::string& key, const ObjectInfo& info,
                        std::vector<StoredBytes>* parts) {
  Json files = Json::array();
  for (auto& part : *parts) {
    const auto name = fmt::format("{}-{}-{}.data", Sha256Hex(key), getpid(), next_file_++);
    const auto path = BucketDirectory(bucket) + "/" + name;
    fs::rename(static_cast<const FileData&>(*part.data).path(), path);
    part.data = std::make_shared<FileData>(path, false);
    files.push_back({name, part.size_bytes});
  }
  const auto meta = MetaPath(bucket, key);
  const auto fresh = meta + ".new";
  fs::remove(fresh);  // of a crash, or a link that somebody has put there
  NewFile(fresh).Write(ToJson(key, info, files).dump());
  fs::rename(fresh, meta);
}

std::unique_ptr<Store::Upload> Store::NullUpload() { return std::make_unique<DiscardUpload>(); }

Store::Committed Store::Commit(const std::vector<StoredBytes>& parts, const std::string& bucket,
                               const std::string& key, ObjectInfo info, bool only_if_absent) {
  auto kept = parts;
  std::lock_guard lock(mutex_);
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return Committed::kNoBucket;
  if (only_if_absent && found->second.contains(key)) return Committed::kExists;
  if (storage_ == Storage::kDirectory) WriteObject(bucket, key, info, &kept);
  auto& object = found->second[key];
  if (object.data) object.data->RemoveAtEnd();
  object = {std::move(info), Join(kept)};
  return Committed::kYes;
}

bool Store::CreateBucket(const std::string& bucket) {
  std::lock_guard lock(mutex_);
  if (storage_ == Storage::kDirectory) fs::create_directories(BucketDirectory(bucket));
  return buckets_.try_emplace(bucket).second;
}

bool Store::HasBucket(const std::string& bucket) const {
  std::lock_guard lock(mutex_);
  return buckets_.contains(bucket);
}

Store::Deleted Store::DeleteBucket(const std::string& bucket) {
  std::lock_guard lock(mutex_);
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return Deleted::kAbsent;
  if (!found->second.empty()) return Deleted::kNotEmpty;
  if (storage_ == Storage::kDirectory) {
    // Nothing but what a crash has left of ours: the directory may have been there before.
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
  std::lock_guard lock(mutex_);
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

std::optional<ObjectInfo> Store::Head(const std::string& bucket, const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto* object = Find(bucket, key);
  return object ? std::optional(object->info) : std::nullopt;
}

std::shared_ptr<const ObjectData> Store::Get(const std::string& bucket, const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto* object = Find(bucket, key);
  return object ? object->data : nullptr;
}

bool Store::SetTagging(const std::string& bucket, const std::string& key, const std::string& tagging) {
  std::lock_guard lock(mutex_);
  if (Find(bucket, key) == nullptr) return false;
  buckets_[bucket][key].info.tagging = tagging;
  return true;
}

void Store::DeleteObject(const std::string& bucket, const std::string& key) {
  std::lock_guard lock(mutex_);
  const auto* object = Find(bucket, key);
  if (object == nullptr) return;
  if (storage_ == Storage::kDirectory) {
    unlink(MetaPath(bucket, key).c_str());
    object->data->RemoveAtEnd();
  }
  buckets_.find(bucket)->second.erase(key);
}

std::size_t Store::CountObjects(const std::string& bucket) const {
  std::lock_guard lock(mutex_);
  const auto found = buckets_.find(bucket);
  return found == buckets_.end() ? 0 : found->second.size();
}

std::optional<std::pair<std::string, ObjectInfo>> Store::Next(const std::string& bucket,
                                                              std::string_view prefix,
                                                              const std::string& after) const {
  std::lock_guard lock(mutex_);
  const auto objects = buckets_.find(bucket);
  if (objects == buckets_.end()) return std::nullopt;
  auto it =
      after < prefix ? objects->second.lower_bound(std::string(prefix)) : objects->second.upper_bound(after);
  if (it == objects->second.end() || !it->first.starts_with(prefix)) return std::nullopt;
  return std::pair(it->first, it->second.info);
}

}  // namespace s3::endpoint
