#include "pipeline/reports/report_output.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "pipeline/fs/files.h"
#include "pipeline/report/terminal.h"

namespace pipeline {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;
constexpr mode_t kMode = 0644;

// The name of the file until it is complete, as OwnDir::Write() has it.
std::string TemporaryOf(const std::string& name) { return name + ".new"; }

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
  directory->Remove(TemporaryOf(output.name_));  // a killed process may have left it
  auto file = directory->Create(TemporaryOf(output.name_), kMode);
  if (!file) return Refuse(kExitJournal, "cannot write the report: " + file.error().message);
  output.file_ = std::move(*file);
  output.directory_ = std::move(*directory);
  return output;
}

ReportOutput::~ReportOutput() {
  if (directory_ && file_.get() >= 0) directory_->Remove(TemporaryOf(name_));
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

s3::Result<void> ReportOutput::Finish() {
  Flush();
  if (!directory_) {
    if (error_ == 0) return {};
    return tl::unexpected(ErrnoError("standard output cannot be written", error_));
  }
  const int fd = directory_->fd();
  const auto temporary = TemporaryOf(name_);
  if (error_ == 0 && fsync(file_.get()) != 0) error_ = errno;
  if (error_ == 0) {
    const unsigned flags = may_replace_ ? 0 : RENAME_NOREPLACE;
    int renamed = renameat2(fd, temporary.c_str(), fd, name_.c_str(), flags);
    // Some file systems do not know the flag.
    if (renamed != 0 && errno == EINVAL) renamed = renameat(fd, temporary.c_str(), fd, name_.c_str());
    if (renamed != 0) error_ = errno;
  }
  if (error_ != 0) return tl::unexpected(ErrnoError(directory_->PathOf(name_), error_));
  file_.Close();
  return {};
}

}  // namespace pipeline
