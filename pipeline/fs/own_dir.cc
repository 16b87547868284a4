#include "pipeline/fs/own_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "pipeline/fs/files.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

constexpr int kCommonFlags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

std::string_view TypeName(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return "a regular file";
    case S_IFDIR: return "a directory";
    case S_IFLNK: return "a symbolic link";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    default: return "a device";
  }
}

bool IsNumber(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string AbsolutePath(const std::string& path) {
  std::error_code problem;
  const auto absolute = std::filesystem::absolute(path, problem);
  return problem ? path : absolute.string();
}

OwnDir::OwnDir(std::string path, s3::UniqueFd fd, Trust trust, uid_t owner)
    : path_(std::move(path)),
      fd_(std::make_shared<const s3::UniqueFd>(std::move(fd))),
      trust_(trust),
      owner_(owner) {}

std::string OwnDir::PathOf(std::string_view name) const {
  return path_.empty() || path_.ends_with('/') ? fmt::format("{}{}", path_, name)
                                               : fmt::format("{}/{}", path_, name);
}

std::optional<s3::Error> OwnDir::FindProblem(const std::string& path, const struct stat& status, mode_t type,
                                             bool to_write) const {
  const auto problem = [&](std::string what) {
    return s3::Error{.kind = s3::ErrorKind::kLocal, .message = path + " " + std::move(what)};
  };
  if ((status.st_mode & S_IFMT) != type) {
    return problem(fmt::format("is {}, not {}: remove it, or choose another directory",
                               TypeName(status.st_mode), TypeName(type)));
  }
  const bool trusts_owner = trust_ == Trust::kOthers;
  const bool is_own = status.st_uid == geteuid() || status.st_uid == 0;
  if (!is_own && !(trusts_owner && status.st_uid == owner_)) {
    return problem(fmt::format("belongs to another user (uid {}): choose a directory of your own{}",
                               status.st_uid, trusts_owner ? "" : ", or trust the owner with --trust-dir"));
  }
  if (!trusts_owner && (status.st_mode & kOthersWrite) != 0) {
    return problem(
        fmt::format("may be written to by other users (mode {:04o}): run chmod {}go-w {}, or trust them "
                    "with --trust-dir",
                    status.st_mode & 07777, type == S_IFDIR ? "-R " : "", path));
  }
  if (type == S_IFREG && to_write && status.st_nlink != 1) {
    return problem(
        "has a second name (a hard link), and a write would also change the file under that name: replace "
        "this file by a copy");
  }
  return std::nullopt;
}

// `made`: true if this process has just made the directory. `checked`: true if the directory itself must be
// trusted.
s3::Result<OwnDir> OwnDir::OpenAs(const std::string& path, Trust trust, bool made, bool checked) {
  s3::UniqueFd fd(
      open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat status {};
  if (fd.get() < 0 || fstat(fd.get(), &status) != 0) return tl::unexpected(ErrnoError(path, errno));
  OwnDir opened(path, std::move(fd), trust, status.st_uid);
  if (made && status.st_uid == geteuid()) {
    opened.trust_ = Trust::kOthers;
  } else if (checked) {
    if (auto problem = opened.FindProblem(path, status, S_IFDIR, true)) return tl::unexpected(*problem);
  }
  return opened;
}

s3::Result<OwnDir> OwnDir::Open(const std::string& path, Trust trust) {
  return OpenAs(path, trust, false, true);
}

s3::Result<OwnDir> OwnDir::Make(const std::string& path, Trust trust) {
  const auto bare = path.substr(0, path.find_last_not_of('/') + 1);
  const auto parent = std::filesystem::path(bare).parent_path();
  std::error_code error;
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return tl::unexpected(ErrnoError(parent.string(), error.value()));
  const bool made = !bare.empty() && mkdir(bare.c_str(), 0755) == 0;
  if (!made && !bare.empty() && errno != EEXIST) return tl::unexpected(ErrnoError(path, errno));
  return OpenAs(path, trust, made, true);
}

s3::Result<OwnDir> OwnDir::Around(const std::string& file_path, Trust trust) {
  return OpenAs(file_path.substr(0, file_path.rfind('/') + 1), trust, false, false);
}

// Checks the file before opening it, because opening a device can have side effects. Checks it again
// afterwards, because another file may have taken the name in between.
s3::Result<std::optional<s3::UniqueFd>> OwnDir::OpenFile(const std::string& name, int flags) const {
  if (const auto slash = name.rfind('/'); slash != std::string::npos) {
    const auto directory = FindDir(name.substr(0, slash));
    if (!directory) return tl::unexpected(directory.error());
    if (!*directory) return std::nullopt;
    return (*directory)->OpenFile(name.substr(slash + 1), flags);
  }
  const bool to_write = (flags & O_ACCMODE) != O_RDONLY;
  struct stat status {};
  if (fstatat(fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return tl::unexpected(ErrnoError(PathOf(name), errno));
  }
  if (auto problem = FindProblem(PathOf(name), status, S_IFREG, to_write)) return tl::unexpected(*problem);
  s3::UniqueFd file(openat(fd(), name.c_str(), flags | kCommonFlags));
  if (file.get() < 0 || fstat(file.get(), &status) != 0)
    return tl::unexpected(ErrnoError(PathOf(name), errno));
  if (auto problem = FindProblem(PathOf(name), status, S_IFREG, to_write)) return tl::unexpected(*problem);
  return file;
}

s3::Result<std::optional<s3::UniqueFd>> OwnDir::Find(const std::string& name) const {
  return OpenFile(name, O_RDONLY);
}

s3::Result<s3::UniqueFd> OwnDir::Read(const std::string& name) const {
  auto file = Find(name);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return tl::unexpected(ErrnoError(PathOf(name), ENOENT));
  return std::move(**file);
}

s3::Result<std::string> OwnDir::Text(const std::string& name, std::size_t max_bytes) const {
  const auto file = Read(name);
  if (!file) return tl::unexpected(file.error());
  std::string text;
  for (std::size_t filled = 0;;) {
    text.resize(std::max<std::size_t>(2 * filled, 1 << 14));
    const ssize_t bytes = read(file->get(), text.data() + filled, text.size() - filled);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return tl::unexpected(ErrnoError(PathOf(name), errno));
    filled += static_cast<std::size_t>(bytes);
    if (filled > max_bytes) {
      return s3::Fail(
          s3::ErrorKind::kLocal,
          fmt::format("{} has more than {} bytes, so s3flow did not write it", PathOf(name), max_bytes));
    }
    text.resize(filled);
    if (bytes == 0) return text;
  }
}

s3::Result<s3::UniqueFd> OwnDir::Append(const std::string& name, mode_t mode) const {
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto found = OpenFile(name, O_RDWR | O_APPEND);
    if (!found) return tl::unexpected(found.error());
    if (*found) return std::move(**found);
    s3::UniqueFd file(openat(fd(), name.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | kCommonFlags, mode));
    if (file.get() >= 0) return file;
    if (errno != EEXIST) break;  // EEXIST: another process has just made it
  }
  return tl::unexpected(ErrnoError(PathOf(name), errno));
}

s3::Result<s3::UniqueFd> OwnDir::Create(const std::string& name, mode_t mode) const {
  s3::UniqueFd file(openat(fd(), name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | kCommonFlags, mode));
  if (file.get() < 0) return tl::unexpected(ErrnoError(PathOf(name), errno));
  return file;
}

s3::Result<void> OwnDir::Write(const std::string& name, std::string_view text, mode_t mode,
                               Durability durability) const {
  const auto temporary = name + ".new";
  Remove(temporary);  // a killed process may have left it
  const auto file = Create(temporary, mode);
  if (!file) return tl::unexpected(file.error());
  int error = WriteAll(file->get(), text);
  if (error == 0 && durability == Durability::kSynced && fsync(file->get()) != 0) error = errno;
  if (error == 0 && renameat(fd(), temporary.c_str(), fd(), name.c_str()) != 0) error = errno;
  if (error == 0) return {};
  Remove(temporary);
  return tl::unexpected(ErrnoError(PathOf(name), error));
}

std::int64_t OwnDir::FileSystemTime() const {
  const auto name = "now-" + s3::HexEncode(s3::RandomBytes(8));
  const auto file = Create(name, 0600);
  struct stat made {};
  const bool is_known = file && fstat(file->get(), &made) == 0;
  if (file) Remove(name);
  return is_known ? made.st_mtim.tv_sec : std::time(nullptr);
}

bool OwnDir::Has(const std::string& name) const {
  struct stat status {};
  return fstatat(fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

void OwnDir::Remove(const std::string& name) const { unlinkat(fd(), name.c_str(), 0); }

s3::Result<std::vector<std::string>> OwnDir::Names() const {
  s3::UniqueFd copy(openat(fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(copy.get() < 0 ? nullptr : fdopendir(copy.get()),
                                                    closedir);
  if (!listing) return tl::unexpected(ErrnoError(path_, errno));
  (void)copy.Release();  // closedir closes it
  std::vector<std::string> names;
  for (errno = 0; const dirent* entry = readdir(listing.get()); errno = 0) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return tl::unexpected(ErrnoError(path_, errno));
  return names;
}

s3::Result<std::optional<OwnDir>> OwnDir::Enter(const std::string& name, bool made) const {
  struct stat status {};
  if (fstatat(fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return tl::unexpected(ErrnoError(PathOf(name), errno));
  }
  const auto is_new = [&] { return made && S_ISDIR(status.st_mode) && status.st_uid == geteuid(); };
  const auto check = [&] {
    return is_new() ? std::nullopt : FindProblem(PathOf(name), status, S_IFDIR, true);
  };
  if (auto problem = check()) return tl::unexpected(*problem);
  s3::UniqueFd inner(openat(fd(), name.c_str(), O_RDONLY | O_DIRECTORY | kCommonFlags));
  if (inner.get() < 0 || fstat(inner.get(), &status) != 0)
    return tl::unexpected(ErrnoError(PathOf(name), errno));
  if (auto problem = check()) return tl::unexpected(*problem);
  return OwnDir(PathOf(name), std::move(inner), is_new() ? Trust::kOthers : trust_, owner_);
}

s3::Result<std::optional<OwnDir>> OwnDir::FindDir(const std::string& name) const {
  const auto slash = name.find('/');
  auto entered = Enter(name.substr(0, slash), false);
  if (slash == std::string::npos || !entered || !*entered) return entered;
  return (*entered)->FindDir(name.substr(slash + 1));
}

s3::Result<OwnDir> OwnDir::MakeDir(const std::string& name) const {
  const bool made = mkdirat(fd(), name.c_str(), 0755) == 0;
  if (!made && errno != EEXIST) return tl::unexpected(ErrnoError(PathOf(name), errno));
  auto entered = Enter(name, made);
  if (!entered) return tl::unexpected(entered.error());
  if (!*entered) return tl::unexpected(ErrnoError(PathOf(name), ENOENT));
  return std::move(**entered);
}

s3::Result<OwnDir> OwnDir::MakeEmptyDir(const std::string& name) const {
  auto directory = MakeDir(name);
  if (!directory) return directory;
  const auto names = directory->Names();
  if (!names) return tl::unexpected(names.error());
  for (const auto& file : *names) {
    const bool removed = IsNumber(file) && unlinkat(directory->fd(), file.c_str(), 0) == 0;
    if (removed) continue;
    return s3::Fail(
        s3::ErrorKind::kLocal,
        directory->PathOf(file) + " was not written by s3flow: remove it, or choose another directory");
  }
  return directory;
}

}  // namespace pipeline
