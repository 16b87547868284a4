#include "pipeline/journal/line_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/journal/checksummed_line.h"
#include "tests/support/support.h"

namespace pipeline {
namespace {

class LineReaderTest : public testing::Test {
 protected:
  LineReader Open(const std::string& text) {
    const auto path = directory_.Write("lines", text);
    return {s3::UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC)), path};
  }
  std::vector<std::string> ReadAll(LineReader* lines) {
    std::vector<std::string> all;
    while (const auto line = lines->Next()) {
      all.emplace_back(*line);
      EXPECT_EQ(lines->number(), all.size());
    }
    return all;
  }

  const test::TempDir directory_;
};

TEST_F(LineReaderTest, ReturnsLinesAndSaysWhetherTheLastOneEnded) {
  auto whole = Open("a\n\nbc\n");
  EXPECT_THAT(ReadAll(&whole), testing::ElementsAre("a", "", "bc"));
  EXPECT_TRUE(whole.ended());
  auto torn = Open("a\nbc");
  EXPECT_THAT(ReadAll(&torn), testing::ElementsAre("a", "bc"));
  EXPECT_FALSE(torn.ended());
  auto empty = Open("");
  EXPECT_FALSE(empty.Next());
  EXPECT_FALSE(whole.failure() || torn.failure() || empty.failure());
}

TEST_F(LineReaderTest, ReturnsLinesOfAnyLengthAcrossItsBuffers) {
  auto random = test::SeededRandom();
  std::vector<std::string> expected;
  std::string text;
  for (int i = 0; i < 300; ++i) {
    expected.emplace_back(random() % (i % 50 == 0 ? 400'000 : 2'000), static_cast<char>('a' + i % 26));
    text += expected.back() + "\n";
  }
  auto lines = Open(text);
  EXPECT_EQ(ReadAll(&lines), expected);
}

TEST_F(LineReaderTest, RefusesALineThatIsTooLong) {
  auto longest = Open("a\n" + std::string(kMaxLineBytes, 'x') + "\n");
  EXPECT_EQ(ReadAll(&longest).size(), 2u);
  EXPECT_FALSE(longest.failure());
  auto too_long = Open("a\n" + std::string(kMaxLineBytes + 1, 'x') + "\n");
  EXPECT_THAT(ReadAll(&too_long), testing::ElementsAre("a"));
  ASSERT_TRUE(too_long.failure());
  EXPECT_THAT(too_long.failure()->message, testing::HasSubstr("lines:2: this line is longer than 16 MiB"));
}

TEST_F(LineReaderTest, ReportsAFileThatCannotBeRead) {
  LineReader lines(s3::UniqueFd(open(directory_.path().c_str(), O_RDONLY | O_CLOEXEC)), "the directory");
  EXPECT_FALSE(lines.Next());
  ASSERT_TRUE(lines.failure());
  EXPECT_THAT(lines.failure()->message, testing::HasSubstr("the directory"));
}

}  // namespace
}  // namespace pipeline
