#include "s3/base/secret.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace s3 {
namespace secret_test {

TEST(SecretTest, PrintsAsRedacted) {
  const Secret secret("hunter2");
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "**redacted**");
  EXPECT_EQ(fmt::format("{}", secret), "**redacted**");
  EXPECT_EQ(secret.Reveal(), "hunter2");
  EXPECT_EQ(fmt::format("{}", Secret()), "");
}

TEST(SecretTest, AMoveLeavesTheSourceEmpty) {
  Secret secret("short"), target(std::move(secret));
  EXPECT_EQ(target.Reveal(), "short");
  EXPECT_TRUE(secret.empty());
}

TEST(WipeTest, OverwritesShortAndLongTexts) {
  for (const std::string secret : {"short", "long enough to lie on the heap, whatever the library"}) {
    auto text = secret;
    const auto* const bytes = text.data();
    Wipe(&text);
    EXPECT_TRUE(text.empty());
    // The memory still belongs to `text`.
    EXPECT_EQ(std::string(bytes, secret.size()), std::string(secret.size(), '\0'));
  }
}

TEST(RedactTest, RedactsWholeSecretsAndBeginningsAlsoWithSpaces) {
  const auto redacted = [](std::string text, std::string_view secret) {
    RedactIn(&text, Secret(secret));
    return text;
  };
  EXPECT_EQ(redacted("you sent 0123456789abcdef, twice: 0123456789abcdef", "0123456789abcdef"),
            "you sent (redacted) twice: (redacted)");
  EXPECT_EQ(redacted("cut: 0123456789abc", "0123456789abcdef"), "cut: (redacted)");
  EXPECT_EQ(redacted("'inline; name=0123456789' it was", "inline; name=0123456789"), "'(redacted)' it was");
  EXPECT_EQ(redacted("cut: inline; name=012", "inline; name=0123456789"), "cut: (redacted)");
  EXPECT_EQ(redacted("short ones may be anything", "anything"), "short ones may be anything");
}

}  // namespace secret_test
}  // namespace s3
