// journal.jsonl, being written: lines of pipeline/journal/record.h, appended. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"
#include "s3/base/waiter.h"

namespace pipeline {

class Journal {
 public:
  // Creates the file when there is none; cuts it to `keep_bytes`, what is intact of it. What is cut off, one
  // line at most, is kept in journal.jsonl.torn. `on_failure` is called once, by whichever thread meets the
  // first error, and may be null.
  static s3::Result<std::unique_ptr<Journal>> Open(const OwnDir& directory, std::uint64_t keep_bytes,
                                                   std::function<void(const s3::Error&)> on_failure);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // In the kernel's hands when it returns: a killed process loses nothing that was appended. It is on the
  // disk a second later at most. After the first error nothing is appended any more: a line behind half a
  // line would be lost with it, and what a failed fsync has lost nobody knows.
  s3::Result<void> Append(std::string_view line);
  // On the disk when it returns. One fdatasync serves all that wait for one.
  s3::Result<void> AppendDurably(std::string_view line, s3::Waiter* waiter);
  // All that was appended is on the disk when it returns. Blocks.
  s3::Result<void> Sync();

  // What is in the file as far as this process knows, bytes.
  std::uint64_t size_bytes() const;
  bool failed() const;

 private:
  Journal(s3::UniqueFd file, std::string path, std::uint64_t size_bytes,
          std::function<void(const s3::Error&)> on_failure);
  s3::Result<void> Status() const;
  void Fail(std::unique_lock<std::mutex> lock, int error);
  void SyncAhead();
  void SyncOnce(std::unique_lock<std::mutex>* lock);

  const s3::UniqueFd file_;
  const std::string path_;
  const std::function<void(const s3::Error&)> on_failure_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t size_bytes_;
  std::optional<s3::Error> failure_;
  std::vector<s3::Wake> waiting_;
  bool dirty_ = false;
  bool quit_ = false;
  std::thread thread_;
};

}  // namespace pipeline
