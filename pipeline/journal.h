// journal.jsonl: one JSON object a line for each input that has settled. Not thread-safe: the sink
// owns it.
#pragma once

#include <memory>
#include <string>

#include "pipeline/message.h"
#include "s3/result.h"

namespace pipeline {

// One journal line, with its newline. Path and key are text when they are valid UTF-8; else the
// fields are named path_base64 and key_base64.
std::string JournalLine(const ObjectResult& result);

// Writes all of `text` to the file `path`, replacing it.
s3::Result<void> WriteFile(const std::string& path, const std::string& text);

class Journal {
 public:
  // Creates the directory (its parents too) and the journal; refuses a directory that holds one.
  static s3::Result<std::unique_ptr<Journal>> Create(const std::string& run_dir);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // In the kernel's hands when it returns: a killed process loses nothing that was appended.
  s3::Result<void> Append(const ObjectResult& result);
  // On the disk when it returns.
  s3::Result<void> Sync();

 private:
  Journal(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  const int fd_;
  const std::string path_;
};

}  // namespace pipeline
