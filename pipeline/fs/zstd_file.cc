#include "pipeline/fs/zstd_file.h"

#include <fmt/format.h>
#include <zstd.h>

#include <cerrno>
#include <new>

#include "pipeline/fs/files.h"

namespace pipeline {
namespace {

constexpr std::size_t kBufferBytes = 128 << 10;
constexpr int kLevel = 1;
constexpr int kMaxWindowLog = 23;  // 8 MiB; kLevel needs 512 KiB

s3::Result<void> WriteTo(const NamedFile& file, std::string_view bytes) {
  const int error = WriteAll(file.fd, bytes);
  if (error != 0) return tl::unexpected(ErrnoError(file.path, error));
  return {};
}

using Compressor = std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)>;

// Passes `bytes` to the compressor, and writes what comes out. With ZSTD_e_end, also writes the end of the
// frame.
s3::Result<void> CompressSome(ZSTD_CCtx* compressor, std::string_view bytes, ZSTD_EndDirective directive,
                              const NamedFile& to, std::string* buffer) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{buffer->data(), buffer->size(), 0};
    const auto left = ZSTD_compressStream2(compressor, &out, &in, directive);
    if (ZSTD_isError(left) != 0) {
      return s3::Fail(s3::ErrorKind::kLocal, fmt::format("{}: {}", to.path, ZSTD_getErrorName(left)));
    }
    if (auto written = WriteTo(to, {buffer->data(), out.pos}); !written) return written;
    const bool is_done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
    if (is_done) return {};
  }
}

}  // namespace

s3::Result<std::uint64_t> CompressFile(const NamedFile& from, const NamedFile& to,
                                       const std::stop_token& stop) {
  const Compressor compressor(ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!compressor) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(compressor.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(compressor.get(), ZSTD_c_checksumFlag, 1);
  if (const auto written = WriteTo(to, kZstdHead); !written) return tl::unexpected(written.error());
  std::string in(kBufferBytes, '\0'), out(ZSTD_CStreamOutSize(), '\0');
  for (std::uint64_t total = 0;;) {
    if (stop.stop_requested()) return s3::Fail(s3::ErrorKind::kCancelled, "the run was stopped");
    const auto got = ReadSome(from.fd, in, from.path);
    if (!got) return tl::unexpected(got.error());
    const auto directive = *got == 0 ? ZSTD_e_end : ZSTD_e_continue;
    const auto compressed = CompressSome(compressor.get(), {in.data(), *got}, directive, to, &out);
    if (!compressed) return tl::unexpected(compressed.error());
    if (*got == 0) return total;
    total += *got;
  }
}

ZstdReader::ZstdReader(NamedFile file)
    : file_(std::move(file)), context_(ZSTD_createDCtx(), ZSTD_freeDCtx), buffer_(kBufferBytes, '\0') {
  if (!context_) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
}

ZstdReader::~ZstdReader() = default;

s3::Result<std::size_t> ZstdReader::Read(std::span<char> bytes) {
  if (!has_head_) {
    if (const auto head = ReadHead(); !head) return tl::unexpected(head.error());
  }
  ZSTD_outBuffer out{bytes.data(), bytes.size(), 0};
  while (out.pos == 0 && !frame_ended_) {
    const bool was_empty = at_ == end_;
    if (was_empty) {
      if (const auto filled = Fill(); !filled) return tl::unexpected(filled.error());
    }
    // Without input, the decoder may still return bytes that it holds back.
    ZSTD_inBuffer in{buffer_.data(), end_, at_};
    const auto left = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(left) != 0) return tl::unexpected(Damaged(ZSTD_getErrorName(left)));
    at_ = in.pos;
    frame_ended_ = left == 0;
    const bool is_cut = !frame_ended_ && was_empty && end_ == 0 && out.pos == 0;
    if (is_cut) return tl::unexpected(Damaged("its end is missing"));
  }
  if (out.pos > 0) return out.pos;
  if (at_ == end_) {
    if (const auto filled = Fill(); !filled) return tl::unexpected(filled.error());
  }
  if (at_ != end_) return tl::unexpected(Damaged("other bytes follow its end"));
  return std::size_t{0};
}

// Reads more of the file, when all earlier bytes were used. Leaves the buffer empty at the end of the file.
s3::Result<void> ZstdReader::Fill() {
  at_ = end_ = 0;
  return ReadSome(file_.fd, buffer_, file_.path).map([this](std::size_t got) { end_ = got; });
}

s3::Result<void> ZstdReader::ReadHead() {
  while (end_ < kZstdHead.size()) {
    const auto got = ReadSome(file_.fd, std::span(buffer_).subspan(end_), file_.path);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    end_ += *got;
  }
  if (!std::string_view(buffer_.data(), end_).starts_with(kZstdHead)) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    file_.path +
                        " was not compressed by s3flow, or is damaged: put back a copy of it, decompress it "
                        "with zstd -d --rm, or choose another run directory");
  }
  at_ = kZstdHead.size();
  has_head_ = true;
  return {};
}

s3::Error ZstdReader::Damaged(std::string_view problem) const {
  return {.kind = s3::ErrorKind::kLocal,
          .message = fmt::format("{} is damaged ({}): put back a copy of it, or choose another run directory "
                                 "(zstdcat shows the lines that can still be read)",
                                 file_.path, problem)};
}

}  // namespace pipeline
