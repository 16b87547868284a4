// Where a report goes: stdout, or a file that appears only when it is complete. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/run_dir.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

class ReportOutput {
 public:
  // `path`: empty for stdout. Refuses (74) a path that exists, unless it is a regular file and `may_replace`,
  // and a directory in which no file can be made.
  static tl::expected<ReportOutput, Refusal> Open(const std::string& path, bool may_replace);
  ReportOutput(ReportOutput&&) = default;
  ReportOutput& operator=(ReportOutput&&) = delete;
  // Removes the unfinished file if Finish() was not called.
  ~ReportOutput();

  // Appends whole lines. Returns false if the output cannot be written; Finish() then says why.
  bool Append(std::string_view text);
  // Writes what is left, and gives the file its name. Blocks until the file and its name are on the disk.
  s3::Result<void> Finish();

 private:
  ReportOutput() = default;
  void Flush();
  int Publish() const;

  // Nothing for stdout.
  std::optional<OwnDir> directory_;
  std::string name_, temporary_;  // the names of the file when it is complete, and until then
  s3::UniqueFd file_{-1};
  bool may_replace_ = false;
  std::string buffer_;
  int error_ = 0;  // errno of the first failed write
};

}  // namespace pipeline
