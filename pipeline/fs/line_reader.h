// Reads a file line by line. Memory: the longest line so far, at most kMaxLineBytes; for a compressed file, 9
// MiB more. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/fs/zstd_file.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

// The maximum length of a line. Lines that s3flow writes are far shorter: a key has at most 1,024 bytes, and
// a path a few thousand. Only a `run` line may have more bytes, because it contains the job's settings.
inline constexpr std::size_t kMaxLineBytes = 16 << 20;

class LineReader {
 public:
  enum class Encoding { kPlain, kZstd };

  // `path` is for messages. With kZstd, the lines are those of the data that CompressFile() compressed.
  LineReader(s3::UniqueFd file, std::string path, Encoding encoding = Encoding::kPlain);

  // Returns the next line without its newline, valid until the next call. Returns nothing at the end of the
  // file and after a failure.
  std::optional<std::string_view> Next();
  // Returns the number of the line that Next() returned last, from 1.
  std::uint64_t number() const { return number_; }
  // Returns true if that line has its newline. Only the last line of a file may lack its newline.
  bool ended() const { return ended_; }
  // Returns the error that ended the reading; nothing if there was none. The error is kLocal if the file
  // cannot be read or decompressed, or if a line has more than kMaxLineBytes.
  const std::optional<s3::Error>& failure() const { return failure_; }

 private:
  std::optional<std::string_view> Take(std::size_t bytes, bool ended);
  void Fill();

  const s3::UniqueFd file_;
  const std::string path_;
  std::unique_ptr<ZstdReader> decompressed_;  // null for a plain file
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;  // the bytes in the buffer that Next() has not returned yet
  std::uint64_t number_ = 0;
  bool ended_ = false;
  bool at_end_ = false;  // of the file
  std::optional<s3::Error> failure_;
};

}  // namespace pipeline
