#include "s3/api/etag.h"

#include <gtest/gtest.h>

namespace s3 {
namespace etag_test {

TEST(ETag, EveryFormOfOneETagIsTheSame) {
  const std::string hex = "d41d8cd98f00b204e9800998ecf8427e";
  for (const auto& form :
       {hex, "\"" + hex + "\"", "W/\"" + hex + "\"", "w/\"" + hex + "\"", " \"" + hex + "\" "}) {
    EXPECT_TRUE(IsSameETag(form, "\"" + hex + "\"")) << form;
    EXPECT_EQ(OpaqueTag(form), hex);
  }
  EXPECT_TRUE(IsSameETag("\"ABCDEF-2\"", "abcdef-2"));
  EXPECT_FALSE(IsSameETag("\"xyZ\"", "\"xyz\"")) << "not hexadecimal: case matters";
  EXPECT_FALSE(IsSameETag("\"abc\"", "\"abd\""));
  EXPECT_FALSE(IsSameETag("\"abc\"", "\"abc-1\""));
  EXPECT_FALSE(IsSameETag("\"abc\"", ""));
  EXPECT_EQ(StrongETag("W/\"abc\""), "\"abc\"");
  EXPECT_EQ(StrongETag("abc"), "abc");
  EXPECT_EQ(OpaqueTag("\""), "\"");
  EXPECT_EQ(OpaqueTag("W/"), "");
}

}  // namespace etag_test
}  // namespace s3
