#include "s3/base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace s3 {
namespace text_test {

TEST(TextTest, ConcatAndAppendJoinAllPieces) {
  EXPECT_EQ(Concat({}), "");
  EXPECT_EQ(Concat({"a", "", "bc"}), "abc");
  std::string text = "x";
  Append(&text, {"y", "z"});
  EXPECT_EQ(text, "xyz");
}

TEST(TextTest, HasAnyFindsACharacterAtEveryPosition) {
  const auto is_x = [](char c) { return c == 'x'; };
  EXPECT_FALSE(HasAny("", is_x));
  for (std::size_t size = 1; size < 70; ++size) {
    std::string text(size, '.');
    EXPECT_FALSE(HasAny(text, is_x));
    for (std::size_t at = 0; at < size; ++at) {
      text[at] = 'x';
      EXPECT_TRUE(HasAny(text, is_x)) << size << ", " << at;
      text[at] = '.';
    }
  }
}

TEST(TextTest, LowerCaseChangesOnlyAsciiLetters) {
  EXPECT_EQ(LowerCase("AZaz09-_[@`{"), "azaz09-_[@`{");
  EXPECT_EQ(LowerCase("\xc3\x84"), "\xc3\x84");  // a capital letter in UTF-8
}

TEST(TextTest, OneLineCutsAndReplacesControlCharacters) {
  EXPECT_EQ(OneLine("a\r\nb\tc\x7f", 100), "a  b c ");
  EXPECT_EQ(OneLine(std::string_view("a\0b", 3), 100), "a b");
  EXPECT_EQ(OneLine("abc", 2), "ab");
  EXPECT_EQ(OneLine("\xc3\xa4", 100), "\xc3\xa4");
}

TEST(TextTest, XmlEscapeEscapesMarkupAndCr) {
  EXPECT_EQ(XmlEscape("<a href=\"x\">&\r\n'</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;&#13;\n'&lt;/a&gt;");
}

}  // namespace text_test
}  // namespace s3
