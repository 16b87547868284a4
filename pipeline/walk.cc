#include "pipeline/walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pipeline/open_file.h"
#include "s3/glob.h"
#include "s3/uri.h"

namespace pipeline {
namespace {

// Below this depth no path fits into a key: S3 takes 1,024 bytes, two for each level.
constexpr std::size_t kMaxDepth = 512;

std::string ErrnoText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

bool ExcludesFile(const SourceRoot& root, std::string_view relative) {
  const auto matches = [&](const std::string& glob) { return s3::GlobMatches(glob, relative); };
  if (std::any_of(root.exclude.begin(), root.exclude.end(), matches)) return true;
  return !root.include.empty() && std::none_of(root.include.begin(), root.include.end(), matches);
}

bool ExcludesDirectory(const SourceRoot& root, std::string_view relative) {
  return std::any_of(root.exclude.begin(), root.exclude.end(), [&](std::string_view glob) {
    if (s3::GlobMatchesAllBelow(glob, relative)) return true;
    if (glob.ends_with('/')) glob.remove_suffix(1);
    return s3::GlobMatches(glob, relative);
  });
}

const char* SpecialFileName(mode_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  return "no regular file";
}

std::string BaseName(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// Whether a walk of `root` yields a file at `relative`, judged without walking.
bool WouldYield(const SourceRoot& root, const std::string& relative) {
  struct stat status;
  std::string path = root.path;
  if (stat(path.c_str(), &status) != 0) return false;
  if (!S_ISDIR(status.st_mode)) return relative == BaseName(root.path) && !ExcludesFile(root, relative);
  for (std::size_t begin = 0; begin <= relative.size();) {
    const auto end = std::min(relative.find('/', begin), relative.size());
    const auto segment = relative.substr(begin, end - begin);
    if (segment.empty() || segment == "." || segment == "..") return false;
    path += "/" + segment;
    const int result = root.follow_symlinks ? stat(path.c_str(), &status) : lstat(path.c_str(), &status);
    if (result != 0) return false;
    if (end == relative.size()) return S_ISREG(status.st_mode) && !ExcludesFile(root, relative);
    if (!S_ISDIR(status.st_mode) || ExcludesDirectory(root, relative.substr(0, end))) return false;
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::optional<std::string> RootProblem(const std::vector<SourceRoot>& roots) {
  for (const auto& root : roots) {
    struct stat status;
    if (root.stream && root.path == "-") continue;
    if (stat(root.path.c_str(), &status) != 0) return fmt::format("{}: {}", root.path, ErrnoText(errno));
    if (root.stream && S_ISDIR(status.st_mode))
      return fmt::format("{}: is a directory, no stream", root.path);
    if (root.stream && access(root.path.c_str(), R_OK) != 0) {
      return fmt::format("{}: {}", root.path, ErrnoText(errno));
    }
    if (root.stream) continue;
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
      return fmt::format("{}: is {}, neither a directory nor a regular file", root.path,
                         SpecialFileName(status.st_mode));
    }
    if (faccessat(AT_FDCWD, root.path.c_str(), S_ISDIR(status.st_mode) ? R_OK | X_OK : R_OK, AT_EACCESS) !=
        0) {
      return fmt::format("{}: {}", root.path, ErrnoText(errno));
    }
  }
  return std::nullopt;
}

Walk::Walk(std::vector<SourceRoot> roots, std::string key_prefix)
    : roots_(std::move(roots)), key_prefix_(std::move(key_prefix)) {}

std::optional<Input> Walk::Next() {
  for (;;) {
    if (!stack_.empty()) {
      if (auto item = ReadEntry()) return item;
    } else if (root_index_ < roots_.size()) {
      ++root_index_;
      if (auto item = StartRoot()) return item;
    } else {
      return std::nullopt;
    }
  }
}

std::optional<Input> Walk::StartRoot() {
  struct stat status;
  root_is_file_ = false;
  if (stat(root().path.c_str(), &status) != 0) return Failed("", s3::ErrorKind::kLocal, ErrnoText(errno));
  if (S_ISDIR(status.st_mode)) return Enter(AT_FDCWD, root().path.c_str(), "", status);
  root_is_file_ = true;
  const auto name = BaseName(root().path);
  if (ExcludesFile(root(), name)) return std::nullopt;
  if (!S_ISREG(status.st_mode)) return Skipped(name, SpecialFileName(status.st_mode));
  return FileItem(name, status);
}

std::optional<Input> Walk::ReadEntry() {
  auto& directory = stack_.back();
  errno = 0;
  const dirent* entry = readdir(directory.stream.get());
  if (entry == nullptr) {
    const int error = errno;
    const auto relative = directory.relative;
    stack_.pop_back();
    if (error == 0) return std::nullopt;
    return Failed(relative, s3::ErrorKind::kLocal, "reading the directory: " + ErrnoText(error));
  }
  const char* name = entry->d_name;
  if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) return std::nullopt;
  return Visit(dirfd(directory.stream.get()), name, directory.relative + name);
}

std::optional<Input> Walk::Visit(int directory_fd, const char* name, const std::string& relative) {
  struct stat status;
  if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return Failed(relative, s3::ErrorKind::kLocal, ErrnoText(errno));
  }
  if (S_ISLNK(status.st_mode)) {
    if (ExcludesFile(root(), relative)) return std::nullopt;
    if (!root().follow_symlinks) return Skipped(relative, "a symbolic link (follow_symlinks is off)");
    if (fstatat(directory_fd, name, &status, 0) != 0) {
      return Failed(relative, s3::ErrorKind::kLocal, "symbolic link: " + ErrnoText(errno));
    }
  }
  if (S_ISDIR(status.st_mode)) {
    if (ExcludesDirectory(root(), relative)) return std::nullopt;
    return Enter(directory_fd, name, relative + "/", status);
  }
  if (ExcludesFile(root(), relative)) return std::nullopt;
  if (!S_ISREG(status.st_mode)) return Skipped(relative, SpecialFileName(status.st_mode));
  return FileItem(relative, status);
}

std::optional<Input> Walk::Enter(int directory_fd, const char* name, const std::string& relative,
                                 const struct stat& status) {
  const bool loop = std::any_of(stack_.begin(), stack_.end(), [&](const Directory& above) {
    return above.device == status.st_dev && above.inode == status.st_ino;
  });
  if (loop) return Skipped(relative, "a symbolic link to a directory above itself");
  if (stack_.size() >= kMaxDepth) {
    return Failed(relative, s3::ErrorKind::kUnsupported,
                  fmt::format("nested deeper than {} directories", kMaxDepth));
  }
  const int nofollow = relative.empty() || root().follow_symlinks ? 0 : O_NOFOLLOW;
  const int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | nofollow);
  if (fd < 0) return Failed(relative, s3::ErrorKind::kLocal, ErrnoText(errno));
  DIR* const stream = fdopendir(fd);
  if (stream == nullptr) {
    const int error = errno;
    close(fd);
    return Failed(relative, s3::ErrorKind::kLocal, ErrnoText(error));
  }
  stack_.push_back({{stream, closedir}, relative, status.st_dev, status.st_ino});
  return std::nullopt;
}

Input Walk::FileItem(const std::string& relative, const struct stat& status) {
  auto file = FileOf(relative);
  file->size_bytes = static_cast<std::uint64_t>(status.st_size);
  file->mtime_ns = MtimeNs(status);
  file->follow_symlink = root().follow_symlinks || root_is_file_;
  if (auto problem = s3::KeyProblem(file->key))
    return Failed(relative, s3::ErrorKind::kUnsupported, *problem);
  if (auto owner = EarlierOwner(file->key)) {
    return Failed(relative, s3::ErrorKind::kUnsupported, fmt::format("{} has the same key", *owner));
  }
  return std::shared_ptr<const InputFile>(std::move(file));
}

// Two roots can lead to one key. Asking the file system costs no memory, however many files there are.
std::optional<std::string> Walk::EarlierOwner(const std::string& key) const {
  for (std::size_t i = 0; i + 1 < root_index_; ++i) {
    const auto prefix = key_prefix_ + roots_[i].prefix;
    if (!key.starts_with(prefix)) continue;
    const auto relative = key.substr(prefix.size());
    if (WouldYield(roots_[i], relative)) return roots_[i].path + "/" + relative;
  }
  return std::nullopt;
}

Input Walk::Skipped(const std::string& relative, std::string reason) const {
  ObjectResult result;
  result.file = FileOf(relative);
  result.outcome = Outcome::kSkipped;
  result.reason = std::move(reason);
  return result;
}

Input Walk::Failed(const std::string& relative, s3::ErrorKind kind, std::string message) const {
  ObjectResult result;
  result.file = FileOf(relative);
  result.outcome = Outcome::kFailed;
  result.error = s3::Error{.kind = kind, .message = std::move(message)};
  return result;
}

std::string Walk::PathOf(const std::string& relative) const {
  if (root_is_file_ || relative.empty()) return root().path;
  return root().path.ends_with('/') ? root().path + relative : root().path + "/" + relative;
}

std::string Walk::KeyOf(const std::string& relative) const { return key_prefix_ + root().prefix + relative; }

std::shared_ptr<InputFile> Walk::FileOf(const std::string& relative) const {
  InputFile file{PathOf(relative), KeyOf(relative)};
  file.relative_at = file.key.size() - relative.size();
  return std::make_shared<InputFile>(std::move(file));
}

}  // namespace pipeline
