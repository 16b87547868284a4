// Failures grouped by cause.
#include "pipeline/report/causes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace pipeline {
namespace causes_test {

using testing::StartsWith;

TEST(CausesTest, EveryKindHasWords) {
  for (int kind = 0; kind <= static_cast<int>(s3::ErrorKind::kCancelled); ++kind) {
    EXPECT_NE(CauseOf({.kind = static_cast<s3::ErrorKind>(kind)}), "unknown") << kind;
  }
  EXPECT_EQ(CauseOf({.kind = s3::ErrorKind::kAccessDenied, .code = "AccessDenied"}),
            "permission denied by the store [AccessDenied]");
}

TEST(CausesTest, TheLargestGroupsComeFirstWithTheirFirstPaths) {
  Causes causes;
  AddCause("rare", "x", &causes);
  for (const auto* path : {"a", "b", "c"}) AddCause("common", path, &causes);
  EXPECT_EQ(CausesText("failed", causes, 5),
            "failed: common: 3 files, first a, b\nfailed: rare: 1 file: x\n");
  EXPECT_EQ(CausesText("failed", causes, 1),
            "failed: common: 3 files, first a, b\nfailed: other causes: 1 file\n");
  EXPECT_EQ(CausesText("failed", {}, 5), "");
}

TEST(CausesTest, TheNumberOfGroupsIsLimited) {
  Causes causes;
  for (std::size_t i = 0; i < 2 * kMaxCauses; ++i) AddCause(std::to_string(i), "p", &causes);
  EXPECT_EQ(causes.size(), kMaxCauses + 1);
  EXPECT_EQ(causes[kOtherCauses].count, kMaxCauses);
}

TEST(CausesTest, HostilePathsAreEscaped) {
  Causes causes;
  AddCause("c", "a\nb\x1b[2J", &causes);
  EXPECT_EQ(test::Lines(CausesText("failed", causes, 1)).size(), 1u);
}

}  // namespace causes_test
}  // namespace pipeline
