#include "pipeline/fs/line_reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "pipeline/fs/files.h"

namespace pipeline {
namespace {

constexpr std::size_t kInitialBufferBytes = 128 << 10;

}  // namespace

LineReader::LineReader(s3::UniqueFd file, std::string path, Encoding encoding)
    : file_(std::move(file)), path_(std::move(path)), buffer_(kInitialBufferBytes, '\0') {
  if (encoding == Encoding::kZstd) {
    decompressed_ = std::make_unique<ZstdReader>(NamedFile{file_.get(), path_});
  }
}

std::optional<std::string_view> LineReader::Next() {
  for (std::size_t searched = 0; !failure_;) {
    const char* const rest = buffer_.data() + begin_;
    const auto* newline =
        static_cast<const char*>(std::memchr(rest + searched, '\n', end_ - begin_ - searched));
    if (newline != nullptr) return Take(static_cast<std::size_t>(newline - rest), true);
    searched = end_ - begin_;
    if (at_end_ && searched == 0) return std::nullopt;
    if (at_end_ || searched > kMaxLineBytes) return Take(searched, false);
    Fill();
  }
  return std::nullopt;
}

std::optional<std::string_view> LineReader::Take(std::size_t bytes, bool ended) {
  const std::string_view line(buffer_.data() + begin_, bytes);
  begin_ += bytes + (ended ? 1 : 0);
  ++number_;
  ended_ = ended;
  if (bytes <= kMaxLineBytes) return line;
  failure_ = s3::Error{
      .kind = s3::ErrorKind::kLocal,
      .message = fmt::format(
          "{}:{}: this line is longer than {} MiB, so s3flow did not write it: use another directory", path_,
          number_, kMaxLineBytes >> 20)};
  return std::nullopt;
}

// Moves the unread bytes to the front of the buffer, and reads more of the file after them.
void LineReader::Fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  const auto rest = std::span(buffer_).subspan(end_);
  const auto bytes = decompressed_ ? decompressed_->Read(rest) : ReadSome(file_.get(), rest, path_);
  if (!bytes) {
    failure_ = bytes.error();
    return;
  }
  end_ += *bytes;
  at_end_ = *bytes == 0;
}

}  // namespace pipeline
