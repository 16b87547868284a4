#include "s3/base/result.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace s3 {
namespace result_test {

TEST(ErrorKindTest, EveryKindHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ErrorKind::kCancelled); ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    EXPECT_TRUE(names.insert(KindName(kind)).second) << KindName(kind);
    EXPECT_EQ(KindOf(KindName(kind)), kind);
  }
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(KindOf("unknown"), std::nullopt);
  EXPECT_EQ(KindOf(""), std::nullopt);
}

// A retry repeats the same request, so it cannot help against an error that stops the whole run.
TEST(ErrorKindTest, NoKindIsRetryableAndRefusesTheWholeRun) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::kCancelled); ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    EXPECT_FALSE(IsRetryable(kind) && RefusesWholeRun(kind)) << KindName(kind);
  }
  EXPECT_TRUE(IsRetryable(ErrorKind::kTransient));
  EXPECT_FALSE(IsRetryable(ErrorKind::kAccessDenied));
  EXPECT_TRUE(RefusesWholeRun(ErrorKind::kNoSuchBucket));
}

TEST(ResultTest, FailMakesAnError) {
  const Result<int> failed = Fail(ErrorKind::kLocal, "no such file");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kLocal);
  EXPECT_EQ(failed.error().message, "no such file");
}

}  // namespace result_test
}  // namespace s3
