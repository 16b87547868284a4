#include "pipeline/source/walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "pipeline/fs/io_retry.h"
#include "pipeline/source/name_list.h"
#include "pipeline/source/source_filters.h"

namespace pipeline {
namespace {

// Deeper paths do not fit into a key of 1,024 bytes, because each level takes at least two bytes.
constexpr std::size_t kMaxDepth = 512;

// Returns true if `fd` is open for reading. If a standard descriptor was closed when s3flow started,
// cli/launch.h has opened a descriptor in its place that can't be read (O_PATH).
bool CanRead(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_WRONLY;
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
    if (const ListOf list(root); list) {
      if (!S_ISDIR(status.st_mode)) {
        return fmt::format(
            "{} is no directory: with files_from, source[].path must be the directory that the names "
            "are relative to",
            root.path);
      }
      if (list.path == "-" && !CanRead(STDIN_FILENO))
        return "standard input is closed, or not open for reading";
      if (auto problem = ListProblem(list)) return problem;
    }
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

Walk::Walk(std::vector<SourceRoot> roots, std::string key_prefix, OwnFiles own, std::stop_token stop)
    : inputs_(std::move(roots), std::move(key_prefix), std::move(own)),
      stop_(std::move(stop)),
      root_end_(inputs_.roots()) {}

Walk::Walk(const Walk& whole, Frame frame)
    : inputs_(whole.inputs_), stop_(whole.stop_), next_root_(whole.next_root_), root_end_(whole.next_root_) {
  stack_.push_back(std::move(frame));
}

std::optional<Input> Walk::Next() {
  std::optional<Input> found;
  while (!found && Step(&found)) continue;
  return found;
}

bool Walk::Step(std::optional<Input>* found) {
  // The caller does not see entries that a filter leaves out, so it cannot end a walk that finds nothing
  // else.
  interrupted_ = interrupted_ || stop_.stop_requested();
  if (interrupted_) return false;
  if (!stack_.empty()) {
    *found = ReadEntry();
    return true;
  }
  if (list_) {
    if (list_->Step(found)) return true;
    interrupted_ = list_->interrupted();
    list_.reset();
  }
  if (interrupted_ || next_root_ == root_end_) return false;
  inputs_.Begin(next_root_++);
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
  if (RetrySystemCall([&] { return stat(root().path.c_str(), &status); }) != 0)
    return Failed("", s3::ErrorKind::kLocal, ErrnoText(errno));
  if (ListOf(root())) return StartList(status);
  if (S_ISDIR(status.st_mode)) return Enter(nullptr, root().path.c_str(), "", status);
  inputs_.SetRootIsFile();
  const auto name = BaseName(root().path);
  if (ExcludesFile(root(), name)) return std::nullopt;
  if (!S_ISREG(status.st_mode)) return Skipped(name, SpecialFileName(status.st_mode));
  return inputs_.File(name, status);
}

std::optional<Input> Walk::StartList(const struct stat& status) {
  auto directory = OpenDirectory(AT_FDCWD, root().path.c_str(), true);
  if (directory.get() < 0) return Failed("", s3::ErrorKind::kLocal, ErrnoText(errno));
  if (inputs_.IsOwn(status)) return Skipped("", kOwnDirectory);
  if (!inputs_.KeepDirectory(directory.get())) return Failed("", s3::ErrorKind::kLocal, ErrnoText(EMFILE));
  list_ = std::make_unique<ListWalk>(inputs_, std::move(directory), stop_);
  return std::nullopt;
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
  return inputs_.File(relative, status);
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
  auto opened = OpenDirectory(directory_fd, name, relative.empty() || root().follow_symlinks);
  if (opened.get() < 0) return Failed(relative, s3::ErrorKind::kLocal, ErrnoText(errno));
  if (inputs_.IsOwn(status)) return Skipped(relative, kOwnDirectory);
  const auto is_run = parent != nullptr ? IsRunDirectory(opened.get()) : s3::Result<bool>(false);
  if (!is_run) return Failed(relative, s3::ErrorKind::kLocal, is_run.error().message);
  if (*is_run) return Skipped(relative, kOwnDirectory);
  const auto is_cache = ExcludesCache(root(), opened.get());
  if (!is_cache) return Failed(relative, s3::ErrorKind::kLocal, is_cache.error().message);
  if (*is_cache) return std::nullopt;
  if (parent == nullptr && !inputs_.KeepDirectory(opened.get())) {
    return Failed(relative, s3::ErrorKind::kLocal, ErrnoText(EMFILE));
  }
  stack_.push_back({std::make_shared<const Directory>(
      Directory{std::make_unique<DirectoryReader>(std::move(opened)), relative, status.st_dev, status.st_ino,
                std::move(parent), depth})});
  return std::nullopt;
}

}  // namespace pipeline
