#include "pipeline/reports/html_text.h"

#include <gtest/gtest.h>

#include <string>

#include "s3/base/slot_time.h"

namespace pipeline {
namespace html_text_test {

TEST(Html, EscapesMarkupAndWhatMisleadsReaders) {
  EXPECT_EQ(Html("<script>\"a\" & b</script>"), "&lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;");
  EXPECT_EQ(Html("a\nb\x1b\xff"), "a\\x0ab\\x1b\\xff");
  EXPECT_EQ(Html("a\u202eb"), "a\\u{202E}b");
  EXPECT_EQ(Html("\u00e4\u4e16"), "\u00e4\u4e16");
}

TEST(HtmlShort, CutsBetweenCharactersAndBeforeTheEscapes) {
  EXPECT_EQ(HtmlShort("short", 5), "short");
  EXPECT_EQ(HtmlShort("longer", 5), "longe\u2026");
  EXPECT_EQ(HtmlShort("abc\u4e16\u4e16", 5), "abc\u2026");
  EXPECT_EQ(HtmlShort("<<<<", 2), "&lt;&lt;\u2026");
  EXPECT_LT(HtmlShort(std::string(1 << 20, '\1'), 100).size(), 110u);
}

TEST(HtmlPath, KeepsTheEnd) {
  EXPECT_EQ(HtmlPath("/a/b"), "/a/b");
  const auto shown = HtmlPath("/begin/" + std::string(500, 'x') + "/end&");
  EXPECT_TRUE(shown.starts_with("\u2026x")) << shown;
  EXPECT_TRUE(shown.ends_with("/end&amp;")) << shown;
  EXPECT_TRUE(HtmlPath(std::string(159, 'a') + "\u4e16\u4e16").find("\u4e16\u4e16") != std::string::npos);
}

TEST(SlotStateHtml, EachStateHasWords) {
  for (std::size_t i = 0; i < s3::kSlotStates; ++i) {
    const auto name = s3::NameOf(static_cast<s3::SlotState>(i));
    const bool is_a_word = name == "connecting" || name == "sending";
    EXPECT_EQ(SlotStateHtml(name) == name, is_a_word) << name;
  }
  EXPECT_EQ(SlotStateHtml("first_byte"), "waiting for the store's response");
  EXPECT_EQ(SlotStateHtml("<b>"), "&lt;b&gt;");
}

TEST(GroupedDigits, GroupsByThousands) {
  EXPECT_EQ(GroupedDigits(0), "0");
  EXPECT_EQ(GroupedDigits(999), "999");
  EXPECT_EQ(GroupedDigits(1000), "1,000");
  EXPECT_EQ(GroupedDigits(1234567), "1,234,567");
}

TEST(HtmlTable, HasCaptionScopesAndRows) {
  const auto html = Render(HtmlTable{"What", {"Name", "Count"}, 1, {{"a", "1"}}});
  EXPECT_NE(html.find("<caption>What</caption>"), std::string::npos) << html;
  EXPECT_NE(html.find("<th scope=\"col\" class=\"number\">Count</th>"), std::string::npos) << html;
  EXPECT_NE(html.find("<th scope=\"row\">a</th><td class=\"number\">1</td>"), std::string::npos) << html;
  EXPECT_EQ(Render(HtmlTable{"What", {"Name"}}), "");
}

}  // namespace html_text_test
}  // namespace pipeline
