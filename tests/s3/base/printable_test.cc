#include "s3/base/printable.h"

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace s3 {
namespace printable_test {

std::string Utf8(char32_t c) {
  std::string text;
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) {
    text += static_cast<char>(0xC0 | c >> 6);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | c >> 12);
    tail(6);
  } else {
    text += static_cast<char>(0xF0 | c >> 18);
    tail(12);
    tail(6);
  }
  tail(0);
  return text;
}

TEST(PrintableTest, EscapesWhatATerminalWouldExecute) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"plain name.txt", "plain name.txt"},
      {"\x1b[2J\n", "\\x1b[2J\\x0a"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"tab\tdel\x7f", "tab\\x09del\\x7f"},
      {"\xc2\x9b"
       "31m",
       "\\u{9B}31m"},           // CSI as a C1 control
      {"\xc2\x85", "\\u{85}"},  // NEL
      {"\x9b"
       "31m",
       "\\x9b31m"},  // the same as a byte of Latin-1
      {"gpj.\xe2\x80\xae"
       "exe",
       "gpj.\\u{202E}exe"},
      {"\xe2\x81\xa6\xe2\x81\xa9", "\\u{2066}\\u{2069}"},
      {"\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u{200E}\\u{200F}\\u{61C}"},
      {"a\xe2\x80\xa8"
       "b\xe2\x80\xa9",
       "a\\u{2028}b\\u{2029}"},
      {"zero\xe2\x80\x8bwidth\xe2\x80\x8d\xef\xbb\xbf", "zero\\u{200B}width\\u{200D}\\u{FEFF}"},
      {"\xf3\xa0\x81\xa1", "\\u{E0061}"},  // a tag
      {"soft\xc2\xadhyphen", "soft\\u{AD}hyphen"},
      {"\xff\xfe", "\\xff\\xfe"},
      {"\xc3", "\\xc3"},  // cut off
      {"\xe2\x80", "\\xe2\\x80"},
      {"\xc0\x9b", "\\xc0\\x9b"},                    // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond Unicode
      {"Gr\xc3\xbc\xc3\x9f"
       "e \xe6\x97\xa5\xe6\x9c\xac \xd0\xb4\xd0\xb0 \xf0\x9f\x98\x80",
       "Gr\xc3\xbc\xc3\x9f"
       "e \xe6\x97\xa5\xe6\x9c\xac \xd0\xb4\xd0\xb0 \xf0\x9f\x98\x80"},
      {"\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85", "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85"},  // right to left by itself
  };
  for (const auto& [bytes, shown] : cases) {
    EXPECT_EQ(Printable(bytes), shown);
    EXPECT_EQ(PrintableLine(bytes), shown);
  }
}

TEST(PrintableTest, NamesThatDifferLookDifferent) {
  EXPECT_EQ(Printable("\\x1b"), "\\\\x1b");
  EXPECT_NE(Printable("\\x1b"), Printable("\x1b"));
  EXPECT_NE(Printable("\\u{202E}"), Printable("\xe2\x80\xae"));
  // A line may contain names that Printable has escaped.
  EXPECT_EQ(PrintableLine(Printable("\\x1b\x1b")), Printable("\\x1b\x1b"));
}

// The inverse of Printable.
std::string Unescaped(std::string_view shown) {
  std::string bytes;
  while (!shown.empty()) {
    const auto take = [&](std::size_t size) {
      const auto taken = shown.substr(0, size);
      shown.remove_prefix(size);
      return std::string(taken);
    };
    if (shown.front() != '\\') {
      bytes += take(1);
    } else if (shown[1] == '\\') {
      bytes += take(2)[1];
    } else if (shown[1] == 'x') {
      bytes += static_cast<char>(std::stoi(take(4).substr(2), nullptr, 16));
    } else {
      bytes += Utf8(static_cast<char32_t>(std::stoul(take(shown.find('}') + 1).substr(3), nullptr, 16)));
    }
  }
  return bytes;
}

TEST(PrintableTest, RandomBytesBecomeHarmlessTextFromWhichTheyCanBeRestored) {
  auto random = test::SeededRandom();
  constexpr char32_t kEdges[] = {0x1b,   0x7f,   0x9b,    0x9f,    0xa0,    0xad,    0x200e,
                                 0x2028, 0x202e, 0x2066,  0x206f,  0x2070,  0xd7ff,  0xe000,
                                 0xfeff, 0xffff, 0x10000, 0xe0001, 0xe0fff, 0xe1000, 0x10ffff};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (auto pieces = random() % 12; pieces > 0; --pieces) {
      switch (random() % 4) {
        case 0: bytes += static_cast<char>(random()); break;
        case 1: bytes += "\\xu{}01b"[random() % 8]; break;
        case 2: bytes += Utf8(kEdges[random() % std::size(kEdges)]); break;
        default: bytes += Utf8(static_cast<char32_t>(random() % 0x3000)); break;
      }
    }
    const auto shown = Printable(bytes);
    for (std::string_view rest = shown; !rest.empty();) {
      const auto [code, size] = FirstCharacter(rest);
      ASSERT_GT(size, 0u) << "not UTF-8: " << shown;
      ASSERT_FALSE(IsHidden(code)) << shown;
      rest.remove_prefix(size);
    }
    ASSERT_EQ(Unescaped(shown), bytes);
    ASSERT_EQ(PrintableLine(shown), shown);
    ASSERT_EQ(PrintableLine(PrintableLine(bytes)), PrintableLine(bytes));
  }
}

TEST(PrintableTest, DecodesEveryCharacter) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    const auto text = Utf8(c);
    const auto [code, bytes] = FirstCharacter(text);
    ASSERT_EQ(code, c);
    ASSERT_EQ(bytes, text.size());
  }
}

}  // namespace printable_test
}  // namespace s3
