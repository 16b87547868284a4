// Where secrets are wiped.
#include "s3/base/secret.h"

#include <gtest/gtest.h>

#include <cstring>

#include "s3/transport/exchange.h"

namespace s3 {
namespace {

TEST(WipeTest, OverwritesShortAndLongTexts) {
  for (const std::string secret : {"short", "long enough to lie on the heap, whatever the library"}) {
    auto text = secret;
    const auto* const bytes = text.data();
    Wipe(&text);
    EXPECT_TRUE(text.empty());
    // The memory is still the text's.
    EXPECT_EQ(std::string(bytes, secret.size()), std::string(secret.size(), '\0'));
  }
}

TEST(RedactTest, WholeOnesBeginningsAndThoseWithSpaces) {
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

// The head of a request lies in a pooled exchange until the next one needs it.
TEST(ExchangeTest, AHeadWithSecretsIsForgotten) {
  const TransportOptions options;
  HttpRequest request;
  request.method = "PUT";
  request.endpoint = {"http", "h", 80};
  request.path = "/k";
  request.headers = {{"x-amz-meta-a", "open"}};
  request.secret_headers = {{"x-amz-security-token", Secret("canary-token")}};
  HttpResponse response;
  Exchange exchange(options);
  exchange.Prepare(request, &response, {});
  exchange.Rewind(false);
  std::array<iovec, 4> room;
  const auto head = exchange.Unsent(room)[0];
  const std::string sent(static_cast<const char*>(head.iov_base), head.iov_len);
  EXPECT_NE(sent.find("x-amz-security-token: canary-token\r\n"), std::string::npos) << sent;
  EXPECT_NE(sent.find("x-amz-meta-a: open\r\n"), std::string::npos) << sent;
  exchange.Forget();
  EXPECT_EQ(memmem(head.iov_base, head.iov_len, "canary", 6), nullptr);
}

}  // namespace
}  // namespace s3
