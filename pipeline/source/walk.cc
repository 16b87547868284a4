#include "pipeline/source/walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "pipeline/fs/io_retry.h"
#include "pipeline/source/open_file.h"
#include "pipeline/source/source_filters.h"
#include "s3/uri.h"

namespace pipeline {
namespace {

// Deeper paths do not fit into a key of 1,024 bytes, because each level takes at least two bytes.
constexpr std::size_t kMaxDepth = 512;

std::string ErrnoText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

const char* SpecialFileName(mode_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  return "not a regular file";
}

// Returns true if `fd` is open for reading. If a standard descriptor was closed when s3flow started,
// cli/launch.h has opened a descriptor in its place that can't be read (O_PATH).
bool CanRead(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_WRONLY;
}

// Calls `call`, which returns a descriptor. If no descriptor is free, blocks and repeats the call until
// uploads have closed some. Gives up after 10 s, because the walk itself may hold all descriptors, if the
// tree is deeper than the descriptor limit.
template <typename Call>
int WithDescriptor(const Call& call) {
  constexpr std::chrono::milliseconds kPause{20};
  constexpr int kMaxPauses = 500;
  for (int pauses = 0;; ++pauses) {
    const int fd = call();
    const bool none_left = fd < 0 && (errno == EMFILE || errno == ENFILE);
    if (!none_left || pauses == kMaxPauses) return fd;
    std::this_thread::sleep_for(kPause);
  }
}

std::string BaseName(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// Returns true if a walk of `root` would yield a file at `relative`. Asks the file system, without a walk.
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
    if (root.stream && root.path == "-") {
      if (!CanRead(STDIN_FILENO)) return "standard input is closed, or not open for reading";
      continue;
    }
    if (RetrySystemCall([&] { return stat(root.path.c_str(), &status); }) != 0)
      return fmt::format("{}: {}", root.path, ErrnoText(errno));
    if (root.stream && S_ISDIR(status.st_mode))
      return fmt::format("{} is a directory, not a stream", root.path);
    if (root.stream && access(root.path.c_str(), R_OK) != 0) {
      return fmt::format("{}: {}", root.path, ErrnoText(errno));
    }
    if (root.stream) continue;
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
      return fmt::format("{} is {}, neither a directory nor a regular file", root.path,
                         SpecialFileName(status.st_mode));
    }
    // EPERM may also say that a seccomp filter forbids faccessat2: glibc before 2.37 does not fall back to an
    // older call. Then only reading can tell.
    const int mode = S_ISDIR(status.st_mode) ? R_OK | X_OK : R_OK;
    if (faccessat(AT_FDCWD, root.path.c_str(), mode, AT_EACCESS) != 0 && errno != EPERM) {
      return fmt::format("{}: {}", root.path, ErrnoText(errno));
    }
  }
  return std::nullopt;
}

Walk::Walk(std::vector<SourceRoot> roots, std::string key_prefix, OwnFiles own)
    : roots_(std::make_shared<const std::vector<SourceRoot>>(std::move(roots))),
      key_prefix_(std::move(key_prefix)),
      own_(std::make_shared<const OwnFiles>(std::move(own))),
      root_end_(roots_->size()) {}

Walk::Walk(const Walk& whole, Frame frame)
    : roots_(whole.roots_),
      key_prefix_(whole.key_prefix_),
      own_(whole.own_),
      root_directory_(whole.root_directory_),
      root_index_(whole.root_index_),
      root_end_(whole.root_index_) {
  stack_.push_back(std::move(frame));
}

std::optional<Input> Walk::Next() {
  std::optional<Input> found;
  while (!found && Step(&found)) continue;
  return found;
}

bool Walk::Step(std::optional<Input>* found) {
  if (!stack_.empty()) {
    *found = ReadEntry();
    return true;
  }
  if (root_index_ == root_end_) return false;
  ++root_index_;
  *found = StartRoot();
  return true;
}

std::optional<Walk> Walk::Split() {
  for (auto& frame : stack_) {
    while (frame.reading && frame.names.size() < kSplitNames) {
      if (const char* name = ReadName(&frame)) frame.names.emplace_back(name);
    }
    // This walk keeps the entries in deeper frames, and the names that have not been read yet.
    const bool has_more = frame.reading || &frame != &stack_.back();
    const auto given = (frame.names.size() + (has_more ? 1 : 0)) / 2;
    if (given == 0) continue;
    const auto first = frame.names.end() - static_cast<std::ptrdiff_t>(given);
    Frame other{frame.directory,
                {std::make_move_iterator(first), std::make_move_iterator(frame.names.end())}};
    other.reading = false;
    frame.names.erase(first, frame.names.end());
    return Walk(*this, std::move(other));
  }
  return std::nullopt;
}

std::optional<Input> Walk::StartRoot() {
  struct stat status;
  root_is_file_ = false;
  root_directory_.reset();
  if (RetrySystemCall([&] { return stat(root().path.c_str(), &status); }) != 0)
    return Failed("", s3::ErrorKind::kLocal, ErrnoText(errno));
  if (S_ISDIR(status.st_mode)) return Enter(nullptr, root().path.c_str(), "", status);
  root_is_file_ = true;
  const auto name = BaseName(root().path);
  if (ExcludesFile(root(), name)) return std::nullopt;
  if (!S_ISREG(status.st_mode)) return Skipped(name, SpecialFileName(status.st_mode));
  return FileItem(name, status);
}

// Returns null at the end of the directory or after an error. In both cases, sets frame->reading to false,
// and frame->error to the errno (0 at the end).
const char* Walk::ReadName(Frame* frame) {
  const char* const name = frame->directory->reader->Next();
  if (name == nullptr) {
    frame->error = frame->directory->reader->error();
    frame->reading = false;
  }
  return name;
}

std::optional<Input> Walk::ReadEntry() {
  auto& frame = stack_.back();
  if (!frame.names.empty()) {
    const auto name = std::move(frame.names.back());
    frame.names.pop_back();
    return Visit(frame.directory, name.c_str());
  }
  if (frame.reading) {
    const char* const name = ReadName(&frame);
    return name != nullptr ? Visit(frame.directory, name) : std::nullopt;
  }
  const auto ended = std::move(frame);
  stack_.pop_back();
  if (ended.error == 0) return std::nullopt;
  return Failed(ended.directory->relative, s3::ErrorKind::kLocal,
                "cannot read the directory: " + ErrnoText(ended.error));
}

std::optional<Input> Walk::Visit(const std::shared_ptr<const Directory>& directory, const char* name) {
  const auto relative = directory->relative + name;
  const int directory_fd = directory->reader->fd();
  struct stat status;
  const auto look = [&](int flags) {
    return RetrySystemCall([&] { return fstatat(directory_fd, name, &status, flags); });
  };
  if (look(AT_SYMLINK_NOFOLLOW) != 0) {
    return Failed(relative, s3::ErrorKind::kLocal, ErrnoText(errno));
  }
  if (S_ISLNK(status.st_mode)) {
    if (ExcludesFile(root(), relative)) return std::nullopt;
    if (!root().follow_symlinks) return Skipped(relative, "a symbolic link (follow_symlinks is off)");
    // Do not retry ENOENT, because a dangling link usually stays dangling.
    if (fstatat(directory_fd, name, &status, 0) != 0 && (errno == ENOENT || look(0) != 0)) {
      return Failed(relative, s3::ErrorKind::kLocal, "cannot follow the symbolic link: " + ErrnoText(errno));
    }
  }
  if (S_ISDIR(status.st_mode)) {
    if (ExcludesDirectory(root(), relative)) return std::nullopt;
    return Enter(directory, name, relative + "/", status);
  }
  if (ExcludesFile(root(), relative)) return std::nullopt;
  if (!S_ISREG(status.st_mode)) return Skipped(relative, SpecialFileName(status.st_mode));
  return FileItem(relative, status);
}

std::optional<Input> Walk::Enter(std::shared_ptr<const Directory> parent, const char* name,
                                 const std::string& relative, const struct stat& status) {
  // Only a followed link can lead back to a directory above. The inode number 0 identifies no directory,
  // because some file systems give it to all directories.
  const bool may_loop = root().follow_symlinks && status.st_ino != 0;
  for (const auto* above = parent.get(); may_loop && above != nullptr; above = above->parent.get()) {
    if (above->device == status.st_dev && above->inode == status.st_ino) {
      return Skipped(relative, "a symbolic link to a directory above itself");
    }
  }
  const std::size_t depth = parent == nullptr ? 1 : parent->depth + 1;
  if (depth > kMaxDepth) {
    return Failed(relative, s3::ErrorKind::kUnsupported,
                  fmt::format("nested deeper than {} directories", kMaxDepth));
  }
  const int directory_fd = parent == nullptr ? AT_FDCWD : parent->reader->fd();
  const int nofollow = relative.empty() || root().follow_symlinks ? 0 : O_NOFOLLOW;
  s3::UniqueFd opened(WithDescriptor([&] {
    return RetrySystemCall([&] {
      return openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | nofollow);
    });
  }));
  if (opened.get() < 0) return Failed(relative, s3::ErrorKind::kLocal, ErrnoText(errno));
  if (IsOwn(parent.get(), status, opened.get())) return Skipped(relative, kOwnDirectory);
  if (parent == nullptr && !root().follow_symlinks) {
    root_directory_ = std::make_shared<const s3::UniqueFd>(
        WithDescriptor([&] { return fcntl(opened.get(), F_DUPFD_CLOEXEC, 0); }));
    if (root_directory_->get() < 0) return Failed(relative, s3::ErrorKind::kLocal, ErrnoText(EMFILE));
  }
  stack_.push_back({std::make_shared<const Directory>(
      Directory{std::make_unique<DirectoryReader>(std::move(opened)), relative, status.st_dev, status.st_ino,
                std::move(parent), depth})});
  return std::nullopt;
}

bool Walk::IsOwn(const Directory* parent, const struct stat& status, int fd) const {
  return own_->Contains(status) || (parent != nullptr && IsRunDirectory(fd));
}

Input Walk::FileItem(const std::string& relative, const struct stat& status) {
  if (own_->Contains(status)) return Skipped(relative, kOwnFile);
  auto file = FileOf(relative);
  file->root = root_directory_;
  file->size_bytes = static_cast<std::uint64_t>(status.st_size);
  file->mtime_ns = MtimeNs(status);
  file->follow_symlink = root().follow_symlinks || root_is_file_;
  file->reading = root().reading;
  if (auto problem = s3::KeyProblem(file->key))
    return Failed(relative, s3::ErrorKind::kUnsupported, *problem);
  if (auto owner = EarlierOwner(file->key)) {
    return Failed(relative, s3::ErrorKind::kUnsupported,
                  fmt::format("{} has the same key: give each root a prefix of its own", *owner));
  }
  return std::shared_ptr<const InputFile>(std::move(file));
}

// Returns the path of a file in an earlier root that has the same key, or nothing. Asks the file system,
// because a list of all keys would take memory for each file.
std::optional<std::string> Walk::EarlierOwner(const std::string& key) const {
  for (std::size_t i = 0; i + 1 < root_index_; ++i) {
    const auto& earlier = (*roots_)[i];
    const auto prefix = key_prefix_ + earlier.prefix;
    if (!key.starts_with(prefix)) continue;
    const auto relative = key.substr(prefix.size());
    if (WouldYield(earlier, relative)) return earlier.path + "/" + relative;
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
