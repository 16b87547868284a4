#include "pipeline/fs/line_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace pipeline {
namespace line_reader_test {

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

TEST_F(LineReaderTest, ReturnsTheLinesOfRandomTexts) {
  auto random = test::SeededRandom();
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> expected;
    std::string text;
    for (auto count = random() % 2000; count > 0; --count) {
      const auto bytes = random() % 200 == 0 ? random() % 600'000 : random() % 300;  // some exceed the buffer
      expected.emplace_back(bytes, static_cast<char>(random() % 256));
      if (expected.back().starts_with('\n')) expected.back().assign(bytes, '\0');
      text += expected.back() + '\n';
    }
    const bool is_torn = random() % 2 == 0 && !expected.empty() && !expected.back().empty();
    if (is_torn) text.pop_back();
    auto lines = Open(text);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto line = lines.Next();
      ASSERT_TRUE(line) << i;
      ASSERT_EQ(*line, expected[i]) << i;
      ASSERT_EQ(lines.number(), i + 1);
      ASSERT_EQ(lines.ended(), !is_torn || i + 1 < expected.size());
    }
    ASSERT_FALSE(lines.Next());
    ASSERT_FALSE(lines.Next());
    ASSERT_FALSE(lines.failure());
  }
}

TEST_F(LineReaderTest, RefusesALineThatIsTooLong) {
  for (const auto* end : {"", "\n", "\nmore\n"}) {
    auto longest = Open(std::string(kMaxLineBytes, 'x') + end);
    EXPECT_EQ(longest.Next()->size(), kMaxLineBytes);
    auto too_long = Open("first\n" + std::string(kMaxLineBytes + 1, 'x') + end);
    EXPECT_EQ(too_long.Next(), "first");
    EXPECT_FALSE(too_long.Next());
    EXPECT_THAT(too_long.failure()->message, testing::HasSubstr("lines:2: this line is longer than 16 MiB"));
    EXPECT_FALSE(too_long.Next());
  }
}

TEST_F(LineReaderTest, ReportsAFileThatCannotBeRead) {
  LineReader lines(s3::UniqueFd(open(directory_.path().c_str(), O_RDONLY | O_CLOEXEC)), "the directory");
  EXPECT_FALSE(lines.Next());
  ASSERT_TRUE(lines.failure());
  EXPECT_THAT(lines.failure()->message, testing::HasSubstr("the directory"));
}

}  // namespace line_reader_test
}  // namespace pipeline
