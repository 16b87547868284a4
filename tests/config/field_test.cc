#include "config/field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace config {
namespace field_test {

TEST(DidYouMean, SuggestsOnlySimilarNames) {
  EXPECT_EQ(DidYouMean("buket", {"bucket", "prefix"}), "; did you mean 'bucket'?");
  EXPECT_EQ(DidYouMean("xyz", {"bucket", "prefix"}), "");
  EXPECT_EQ(DidYouMean("ca", {"cap"}), "; did you mean 'cap'?");
}

TEST(YamlScalar, QuotesAndEscapesOnlyIfNeeded) {
  EXPECT_EQ(YamlScalar("plain/text-1.0_x"), "plain/text-1.0_x");
  for (const auto* quoted : {"", "~", "null", "-x", "a b", "a: b", "#c", "x*"}) {
    EXPECT_EQ(YamlScalar(quoted), '"' + std::string(quoted) + '"');
  }
  EXPECT_EQ(YamlScalar("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(YamlScalar("\x1b[2J\n"), R"("\x1b[2J\x0a")");
  EXPECT_EQ(YamlScalar("${NAME}"), R"("$${NAME}")") << "read back, it is not a variable";
  EXPECT_EQ(YamlScalar("${NAME}", true), R"("${NAME}")");
}

TEST(CheckDigits, AreFourHexDigitsThatDifferIfTheTextsDiffer) {
  EXPECT_EQ(CheckDigits("hunter2").size(), 4u);
  EXPECT_EQ(CheckDigits("hunter2"), CheckDigits("hunter2"));
  EXPECT_NE(CheckDigits("hunter2"), CheckDigits("hunter3"));
}

}  // namespace field_test
}  // namespace config
