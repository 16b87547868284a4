// Reads one source file whole, and notices when it changes meanwhile.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "pipeline/message.h"
#include "s3/result.h"

namespace pipeline {

// The largest body of one PutObject.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
inline constexpr std::uint64_t kMaxPutBytes = 5ull << 30;

struct FileBytes {
  std::unique_ptr<char[]> data;
  std::size_t size_bytes = 0;
  std::string_view view() const { return {data.get(), size_bytes}; }
};

// Never waits for a writer: a path that became a FIFO since the walk is refused. kChanged when
// size, times or identity differ before and after; kLocal when the system refuses.
s3::Result<FileBytes> ReadFile(const InputFile& file);

}  // namespace pipeline
