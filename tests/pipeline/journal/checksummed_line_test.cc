#include "pipeline/journal/checksummed_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/support.h"

namespace pipeline {
namespace checksummed_line_test {

using testing::HasSubstr;

std::string WithoutNewline(std::string line) {
  EXPECT_TRUE(line.ends_with('\n'));
  line.pop_back();
  return line;
}

TEST(ChecksummedLineTest, HasRecordFirstAndChecksumLast) {
  ChecksummedLine line("test");
  line.Literal("number", -5);
  line.Literal("flag", true);
  line.Text("text", "a");
  line.Json("list", {1, 2});
  const auto text = WithoutNewline(std::move(line).WithChecksum());
  EXPECT_THAT(text, testing::StartsWith(
                        R"({"record":"test","number":-5,"flag":true,"text":"a","list":[1,2],"crc":")"));
  EXPECT_TRUE(IsIntact(text));
  EXPECT_EQ(nlohmann::json::parse(text).at("crc").get<std::string>().size(), 8u);
}

// Most texts are written without the JSON library, and must look as if it had written them.
TEST(ChecksummedLineTest, EscapesEveryByteAsTheJsonLibraryDoes) {
  for (int c = 0; c < 256; ++c) {
    const std::string value{'"', static_cast<char>(c), '\\', 'x', static_cast<char>(c)};
    ChecksummedLine line("test");
    line.Text("value", value);
    const auto text = WithoutNewline(std::move(line).WithChecksum());
    const auto expected =
        nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    EXPECT_THAT(text, HasSubstr(R"(,"value":)" + expected + R"(,"crc":")")) << c;
    EXPECT_TRUE(IsIntact(text)) << c;
  }
}

TEST(ChecksummedLineTest, AnyFlippedBitAndAnyCutIsNoticed) {
  ChecksummedLine line("test");
  line.Text("value", "some \"text\"");
  const auto text = WithoutNewline(std::move(line).WithChecksum());
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(IsIntact(text.substr(0, i))) << i;
    for (int bit = 0; bit < 8; ++bit) {
      auto damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_FALSE(IsIntact(damaged)) << i;
    }
  }
}

TEST(ChecksummedLineTest, BytesOfReadsBackAnyName) {
  auto random = test::SeededRandom();
  for (int i = 0; i < 1000; ++i) {
    std::string name;
    for (auto n = random() % 8; n > 0; --n) name += static_cast<char>(random());
    ChecksummedLine line("test");
    line.Bytes("name", name);
    const auto json = nlohmann::json::parse(std::move(line).WithChecksum());
    EXPECT_EQ(BytesOf(json, "name"), name);
    EXPECT_EQ(json.contains("name"), IsUtf8(name));
  }
  EXPECT_THROW(BytesOf(nlohmann::json::object(), "name"), nlohmann::json::exception);
}

TEST(ChecksummedLineTest, IsUtf8RefusesOverlongFormsAndSurrogates) {
  for (const auto* text : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"})
    EXPECT_TRUE(IsUtf8(text));
  for (const auto* text : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\x80"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

}  // namespace checksummed_line_test
}  // namespace pipeline
