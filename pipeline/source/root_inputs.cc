#include "pipeline/source/root_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "pipeline/fs/io_retry.h"
#include "pipeline/source/name_list.h"
#include "pipeline/source/open_file.h"
#include "pipeline/source/source_filters.h"
#include "s3/uri.h"

namespace pipeline {
namespace {

// Returns true if a walk does not enter one of the directories above the file: a cache, or the directory of a
// run. If a directory cannot be read, a walk reports that; then the file counts as an input.
bool IsBelowLeftOut(const SourceRoot& root, const std::string& relative) {
  for (std::size_t end = 0; end != std::string::npos; end = relative.find('/', end + 1)) {
    const auto path = end == 0 ? root.path : root.path + "/" + relative.substr(0, end);
    const auto directory = OpenDirectory(AT_FDCWD, path.c_str(), true);
    if (directory.get() < 0) return false;
    if (ExcludesCache(root, directory.get()).value_or(false)) return true;
    if (end > 0 && IsRunDirectory(directory.get()).value_or(false)) return true;
  }
  return false;
}

}  // namespace

std::string BaseName(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

const char* SpecialFileName(mode_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  return "not a regular file";
}

s3::UniqueFd OpenDirectory(int parent, const char* name, bool follow_symlink) {
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | (follow_symlink ? 0 : O_NOFOLLOW);
  return s3::UniqueFd(
      WithDescriptor([&] { return RetrySystemCall([&] { return openat(parent, name, flags); }); }));
}

RootInputs::RootInputs(std::vector<SourceRoot> roots, std::string key_prefix, OwnFiles own)
    : roots_(std::make_shared<const std::vector<SourceRoot>>(std::move(roots))),
      key_prefix_(std::move(key_prefix)),
      own_(std::make_shared<const OwnFiles>(std::move(own))),
      listed_(std::make_shared<std::vector<std::optional<NameSet>>>(roots_->size())) {}

void RootInputs::Begin(std::size_t root) {
  root_ = root;
  root_is_file_ = false;
  directory_.reset();
  if (ListOf(this->root())) (*listed_)[root].emplace();
}

bool RootInputs::KeepDirectory(int fd) {
  if (root().follow_symlinks) return true;
  directory_ =
      std::make_shared<const s3::UniqueFd>(WithDescriptor([fd] { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }));
  return directory_->get() >= 0;
}

std::optional<Input> RootInputs::File(const std::string& relative, const struct stat& status) const {
  if (ExcludesStatus(root(), status)) return std::nullopt;
  if (own_->Contains(status)) return Skipped(relative, kOwnFile);
  auto file = FileOf(relative);
  file->root = directory_;
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
std::optional<std::string> RootInputs::EarlierOwner(const std::string& key) const {
  for (std::size_t i = 0; i < root_; ++i) {
    const auto& earlier = (*roots_)[i];
    const auto prefix = key_prefix_ + earlier.prefix;
    if (!key.starts_with(prefix)) continue;
    const auto relative = key.substr(prefix.size());
    const auto& listed = (*listed_)[i];
    const bool may_have = !ListOf(earlier) || (listed && listed->Contains(relative));
    if (may_have && WouldYield(earlier, relative)) return earlier.path + "/" + relative;
  }
  return std::nullopt;
}

// Returns true if a walk of `root` would yield a file at `relative`. Asks the file system, without a walk.
bool RootInputs::WouldYield(const SourceRoot& root, const std::string& relative) {
  struct stat status;
  std::string path = root.path;
  if (stat(path.c_str(), &status) != 0) return false;
  const auto is_input = [&] {
    return S_ISREG(status.st_mode) && !ExcludesFile(root, relative) && !ExcludesStatus(root, status);
  };
  if (!S_ISDIR(status.st_mode)) return relative == BaseName(root.path) && is_input();
  for (std::size_t begin = 0; begin <= relative.size();) {
    const auto end = std::min(relative.find('/', begin), relative.size());
    const auto segment = relative.substr(begin, end - begin);
    if (segment.empty() || segment == "." || segment == "..") return false;
    path += "/" + segment;
    const int result = root.follow_symlinks ? stat(path.c_str(), &status) : lstat(path.c_str(), &status);
    if (result != 0) return false;
    if (end == relative.size()) return is_input() && !IsBelowLeftOut(root, relative);
    if (!S_ISDIR(status.st_mode) || ExcludesDirectory(root, relative.substr(0, end))) return false;
    begin = end + 1;
  }
  return false;
}

ObjectResult RootInputs::Skipped(const std::string& relative, std::string reason) const {
  ObjectResult result;
  result.file = FileOf(relative);
  result.outcome = Outcome::kSkipped;
  result.reason = std::move(reason);
  return result;
}

ObjectResult RootInputs::Failed(const std::string& relative, s3::ErrorKind kind, std::string message) const {
  ObjectResult result;
  result.file = FileOf(relative);
  result.outcome = Outcome::kFailed;
  result.error = s3::Error{.kind = kind, .message = std::move(message)};
  return result;
}

std::string RootInputs::PathOf(const std::string& relative) const {
  if (root_is_file_ || relative.empty()) return root().path;
  return root().path.ends_with('/') ? root().path + relative : root().path + "/" + relative;
}

std::string RootInputs::KeyOf(const std::string& relative) const {
  return key_prefix_ + root().prefix + relative;
}

std::shared_ptr<InputFile> RootInputs::FileOf(const std::string& relative) const {
  InputFile file{PathOf(relative), KeyOf(relative)};
  file.relative_at = file.key.size() - relative.size();
  return std::make_shared<InputFile>(std::move(file));
}

}  // namespace pipeline
