#include "pipeline/fs/zstd_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>

#include "s3/base/unique_fd.h"
#include "tests/support/support.h"

namespace pipeline {
namespace zstd_file_test {

using testing::HasSubstr;

class ZstdFileTest : public testing::Test {
 protected:
  s3::UniqueFd Open(const std::string& path, int flags = O_RDONLY) {
    return s3::UniqueFd(open(path.c_str(), flags | O_CLOEXEC, 0600));
  }

  // Returns the content of the compressed file.
  std::string Compressed(const std::string& data) {
    const auto from = Open(directory_.Write("data", data));
    const auto to = Open(directory_ / "data.zst", O_WRONLY | O_CREAT | O_TRUNC);
    EXPECT_EQ(CompressFile({from.get(), "data"}, {to.get(), "data.zst"}, {}).value(), data.size());
    return test::ReadAll(directory_ / "data.zst");
  }

  // Reads `file` in pieces of `step` bytes.
  s3::Result<std::string> Expanded(const std::string& file, std::size_t step = 100'000) {
    const auto fd = Open(directory_.Write("file.zst", file));
    ZstdReader reader({fd.get(), "file.zst"});
    std::string data, buffer(step, '\0');
    for (;;) {
      const auto got = reader.Read(buffer);
      if (!got) return tl::unexpected(got.error());
      if (*got == 0) return data;
      data.append(buffer, 0, *got);
    }
  }

  std::string ErrorOf(const std::string& file) {
    const auto expanded = Expanded(file);
    return expanded ? "" : expanded.error().message;
  }

  const test::TempDir directory_;
};

TEST_F(ZstdFileTest, ReturnsTheBytesThatWereCompressed) {
  auto random = test::SeededRandom();
  for (const std::size_t bytes : {0, 1, 127, 131'072, 131'073, 3'000'000}) {
    for (const bool is_random : {true, false}) {
      auto data = is_random ? std::string(bytes, '\0') : test::Content(bytes);
      if (is_random) std::generate(data.begin(), data.end(), [&] { return static_cast<char>(random()); });
      const auto file = Compressed(data);
      EXPECT_TRUE(file.starts_with(kZstdHead));
      for (const std::size_t step : {1 + random() % 300, std::size_t{128} << 10, std::size_t{5'000'000}}) {
        ASSERT_EQ(Expanded(file, step).value(), data) << bytes << " in steps of " << step;
      }
    }
  }
}

TEST_F(ZstdFileTest, AFileThatWasCutAnywhereIsRefused) {
  const auto file = Compressed(test::Content(20'000));
  for (std::size_t bytes = 0; bytes < file.size(); bytes += bytes < 60 ? 1 : 97) {
    ASSERT_NE(ErrorOf(file.substr(0, bytes)), "") << bytes;
  }
  EXPECT_THAT(ErrorOf(file.substr(0, file.size() - 1)), HasSubstr("is damaged (its end is missing)"));
  EXPECT_THAT(ErrorOf(file.substr(0, 10)), HasSubstr("was not compressed by s3flow"));
}

TEST_F(ZstdFileTest, OneChangedBitIsFound) {
  auto random = test::SeededRandom();
  const auto data = test::Content(5'000);
  const auto file = Compressed(data);
  for (int round = 0; round < 500; ++round) {
    auto changed = file;
    changed[random() % file.size()] ^= static_cast<char>(1 << random() % 8);
    // A bit that the decoder does not use may change; then the data is the same.
    const auto expanded = Expanded(changed);
    if (expanded) {
      ASSERT_EQ(*expanded, data);
    }
  }
}

TEST_F(ZstdFileTest, BytesAfterTheFrameAreRefused) {
  const auto file = Compressed("data");
  EXPECT_THAT(ErrorOf(file + "x"), HasSubstr("other bytes follow its end"));
  EXPECT_THAT(ErrorOf(file + file), HasSubstr("other bytes follow its end"));
}

TEST_F(ZstdFileTest, AFrameThatNeedsMuchMemoryIsRefused) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> compressor(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(compressor.get(), ZSTD_c_windowLog, 27);
  ZSTD_CCtx_setParameter(compressor.get(), ZSTD_c_contentSizeFlag, 0);
  const std::string data(1'000'000, 'x');
  std::string frame(ZSTD_compressBound(data.size()), '\0');
  ZSTD_outBuffer out{frame.data(), frame.size(), 0};
  ZSTD_inBuffer in{data.data(), data.size(), 0};
  ASSERT_EQ(ZSTD_compressStream2(compressor.get(), &out, &in, ZSTD_e_flush), 0u);
  ASSERT_EQ(ZSTD_compressStream2(compressor.get(), &out, &in, ZSTD_e_end), 0u);
  frame.resize(out.pos);
  EXPECT_THAT(ErrorOf(std::string(kZstdHead) + frame), HasSubstr("too much memory"));
}

TEST_F(ZstdFileTest, AStopEndsTheCompression) {
  std::stop_source stop;
  stop.request_stop();
  const auto from = Open(directory_.Write("data", "x"));
  const auto to = Open(directory_ / "data.zst", O_WRONLY | O_CREAT);
  const auto compressed = CompressFile({from.get(), "data"}, {to.get(), "data.zst"}, stop.get_token());
  ASSERT_FALSE(compressed);
  EXPECT_EQ(compressed.error().kind, s3::ErrorKind::kCancelled);
}

}  // namespace zstd_file_test
}  // namespace pipeline
