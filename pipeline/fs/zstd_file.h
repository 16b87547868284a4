// Compresses a file with Zstandard (RFC 8878), and reads a compressed file. No other unit uses libzstd. The
// functions block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "s3/base/result.h"

struct ZSTD_DCtx_s;

namespace pipeline {

// The first bytes of a file that CompressFile() wrote, by which s3flow recognizes its own files: a skippable
// frame (RFC 8878, 3.1.2), which `zstd -d` leaves out. One frame with the data and a checksum follows.
inline constexpr std::string_view kZstdHead("\x50\x2A\x4D\x18\x0F\x00\x00\x00s3flow journal\n", 23);

// An open file, and its path for messages. Does not own the descriptor.
struct NamedFile {
  int fd = -1;
  std::string path;
};

// Compresses all bytes of `from`, from its read position, and writes them to `to`. Returns the number of
// bytes that were read. Memory: 6 MiB. Fails with kLocal, and with kCancelled if a stop is requested.
s3::Result<std::uint64_t> CompressFile(const NamedFile& from, const NamedFile& to,
                                       const std::stop_token& stop);

// Reads a file that CompressFile() wrote, from its beginning. Anybody may have written the file: memory is at
// most 9 MiB, because a frame that needs a larger window is refused. Not thread-safe.
class ZstdReader {
 public:
  explicit ZstdReader(NamedFile file);
  ~ZstdReader();

  // Reads the next bytes of the data into `bytes`, which must not be empty. Returns how many; 0 at the end of
  // the data. Fails with kLocal if the file cannot be read, was cut or damaged, has bytes after its frame, or
  // was not compressed by s3flow.
  s3::Result<std::size_t> Read(std::span<char> bytes);

 private:
  s3::Result<void> Fill();
  s3::Result<void> ReadHead();
  s3::Error Damaged(std::string_view problem) const;

  const NamedFile file_;
  const std::unique_ptr<ZSTD_DCtx_s, std::size_t (*)(ZSTD_DCtx_s*)> context_;
  std::string buffer_;
  std::size_t at_ = 0, end_ = 0;  // the bytes in the buffer that were not decompressed yet
  bool has_head_ = false;
  bool frame_ended_ = false;
};

}  // namespace pipeline
