#include "s3/endpoint/storage/object_data.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

namespace s3::endpoint {
namespace {

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

class FileData final : public ObjectData {
 public:
  FileData(std::string path, bool remove_at_end) : path_(std::move(path)), remove_(remove_at_end) {}
  ~FileData() override {
    if (remove_) unlink(path_.c_str());
  }
  std::string Read(std::uint64_t offset, std::size_t size) const override {
    // Opens the file for each read, because ten thousand objects must not need ten thousand file descriptors.
    const UniqueFd fd(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd.get() < 0) ThrowErrno(path_);
    std::string bytes(size, '\0');
    const ssize_t got = pread(fd.get(), bytes.data(), size, static_cast<off_t>(offset));
    if (got < 0) ThrowErrno(path_);
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }
  std::string path() const override { return path_; }
  void RemoveAtEnd() const override { remove_ = true; }

 private:
  const std::string path_;
  mutable bool remove_;
};

// The parts of an object, in order.
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

class MemoryUpload final : public ObjectUpload {
 public:
  void Write(std::string_view bytes) override { bytes_.append(bytes); }
  std::shared_ptr<const ObjectData> Finish() override {
    return std::make_shared<MemoryData>(std::move(bytes_));
  }

 private:
  std::string bytes_;
};

class DiscardUpload final : public ObjectUpload {
 public:
  void Write(std::string_view) override {}
  std::shared_ptr<const ObjectData> Finish() override { return nullptr; }
};

class FileUpload final : public ObjectUpload {
 public:
  explicit FileUpload(const std::string& path) : file_(path), data_(std::make_shared<FileData>(path, true)) {}
  void Write(std::string_view bytes) override { file_->Write(bytes); }
  std::shared_ptr<const ObjectData> Finish() override {
    file_.reset();
    return data_;
  }

 private:
  // Created before data_, which removes the file at the end. NewFile throws if the file exists, so data_
  // never removes a foreign file.
  std::optional<NewFile> file_;
  std::shared_ptr<const FileData> data_;
};

}  // namespace

NewFile::NewFile(const std::string& path)
    : path_(path), fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
  if (fd_.get() < 0) ThrowErrno(path);
}

void NewFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowErrno(path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::shared_ptr<const ObjectData> Join(const std::vector<StoredBytes>& parts) {
  if (parts.size() == 1) return parts[0].data;
  const bool discarded = std::any_of(parts.begin(), parts.end(), [](const auto& part) { return !part.data; });
  return discarded ? nullptr : std::make_shared<PartsData>(parts);
}

std::shared_ptr<const ObjectData> MakeFileData(std::string path) {
  return std::make_shared<FileData>(std::move(path), false);
}

std::unique_ptr<ObjectUpload> MakeMemoryUpload() { return std::make_unique<MemoryUpload>(); }
std::unique_ptr<ObjectUpload> MakeNullUpload() { return std::make_unique<DiscardUpload>(); }
std::unique_ptr<ObjectUpload> MakeFileUpload(const std::string& path) {
  return std::make_unique<FileUpload>(path);
}

}  // namespace s3::endpoint
