#include "pipeline/reports/report_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "pipeline/fs/files.h"
#include "pipeline/report/terminal.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;
constexpr mode_t kMode = 0644;

// Returns a name that no other file has. The name of a file has at most 255 bytes.
std::string TemporaryOf(const std::string& name) {
  return fmt::format("{}.{}.new", name.substr(0, 200), s3::HexEncode(s3::RandomBytes(8)));
}

// Returns true if there is a directory, FIFO, device or link of that name.
bool IsOtherThanFile(const OwnDir& directory, const std::string& name) {
  struct stat status {};
  return fstatat(directory.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode);
}

// Renames a file unless the new name exists. Returns 0 or an errno.
int RenameToNew(const OwnDir& directory, const std::string& from, const std::string& to) {
  const int fd = directory.fd();
  if (renameat2(fd, from.c_str(), fd, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  // Some kernels and file systems do not know the flag, and some containers forbid the call (EPERM).
  if (errno != EINVAL && errno != ENOSYS && errno != EPERM) return errno;
  if (linkat(fd, from.c_str(), fd, to.c_str(), 0) == 0) {
    directory.Remove(from);
    return 0;
  }
  if (errno == EEXIST) return errno;
  // A file system without hard links.
  if (directory.Has(to)) return EEXIST;
  return renameat(fd, from.c_str(), fd, to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

tl::expected<ReportOutput, Refusal> ReportOutput::Open(const std::string& path, bool may_replace) {
  ReportOutput output;
  output.may_replace_ = may_replace;
  if (path.empty()) return output;
  auto directory = OwnDir::Around(path, Trust::kOthers);
  if (!directory) return Refuse(kExitJournal, "cannot write the report: " + directory.error().message);
  output.name_ = NameOf(path);
  if (!may_replace && directory->Has(output.name_)) {
    return Refuse(kExitJournal, path + " exists: choose another --output, or replace the file with --force");
  }
  if (IsOtherThanFile(*directory, output.name_)) {
    return Refuse(kExitJournal, path + " is not a regular file: choose another --output");
  }
  output.temporary_ = TemporaryOf(output.name_);
  auto file = directory->Create(output.temporary_, kMode);
  if (!file) return Refuse(kExitJournal, "cannot write the report: " + file.error().message);
  output.file_ = std::move(*file);
  output.directory_ = std::move(*directory);
  return output;
}

ReportOutput::~ReportOutput() {
  if (directory_ && file_.get() >= 0) directory_->Remove(temporary_);
}

bool ReportOutput::Append(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) Flush();
  return error_ == 0;
}

void ReportOutput::Flush() {
  if (error_ == 0 && !buffer_.empty()) {
    if (directory_) {
      error_ = WriteAll(file_.get(), buffer_);
    } else if (!WriteDocument(buffer_)) {
      error_ = StdoutProblem();
    }
  }
  buffer_.clear();
}

// Gives the file its name. Returns 0 or an errno.
int ReportOutput::Publish() const {
  if (fsync(file_.get()) != 0) return errno;
  const int fd = directory_->fd();
  if (!may_replace_) {
    if (const int error = RenameToNew(*directory_, temporary_, name_); error != 0) return error;
  } else {
    if (IsOtherThanFile(*directory_, name_)) return EEXIST;  // it has appeared since Open()
    if (renameat(fd, temporary_.c_str(), fd, name_.c_str()) != 0) return errno;
  }
  return SyncDirectory(fd);
}

s3::Result<void> ReportOutput::Finish() {
  Flush();
  if (!directory_) {
    if (error_ == 0) return {};
    return tl::unexpected(ErrnoError("standard output cannot be written", error_));
  }
  if (error_ == 0) error_ = Publish();
  if (error_ != 0) return tl::unexpected(ErrnoError(directory_->PathOf(name_), error_));
  file_.Close();
  return {};
}

}  // namespace pipeline
