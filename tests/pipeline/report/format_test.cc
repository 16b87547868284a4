// Numbers as a person reads them.
#include "pipeline/report/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pipeline {
namespace format_test {

TEST(FormatTest, BytesHaveTheLargestUnitThatFits) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1024), "1.0 KiB");
  EXPECT_EQ(HumanBytes(1.5 * (1 << 20)), "1.5 MiB");
  EXPECT_EQ(HumanBytes(3.0 * (1ull << 40)), "3.0 TiB");
  EXPECT_EQ(HumanBytes(5000.0 * (1ull << 50)), "5000.0 PiB") << "there is no larger unit";
}

TEST(FormatTest, DurationsHaveTwoUnits) {
  EXPECT_EQ(HumanDuration(0), "0 s");
  EXPECT_EQ(HumanDuration(59.4), "59 s");
  EXPECT_EQ(HumanDuration(59.5), "1 min 00 s");
  EXPECT_EQ(HumanDuration(200), "3 min 20 s");
  EXPECT_EQ(HumanDuration(7500), "2 h 05 min");
  EXPECT_EQ(HumanDuration(359'999), "99 h 59 min");
  EXPECT_EQ(HumanDuration(1e300), "more than 100 h");
}

TEST(FormatTest, TimestampsAreReadBack) {
  EXPECT_EQ(Timestamp(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(Timestamp(1'700'000'000), "2023-11-14T22:13:20Z");
  EXPECT_EQ(ParseTimestamp("2023-11-14T22:13:20Z"), 1'700'000'000);
  for (const auto* text :
       {"", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20Z ", "2023-13-14T22:13:20Z"}) {
    EXPECT_EQ(ParseTimestamp(text), std::nullopt) << text;
  }
}

TEST(FormatTest, OneIsSingular) {
  EXPECT_EQ(Counted(0, "retry", "retries"), "0 retries");
  EXPECT_EQ(Counted(1, "retry", "retries"), "1 retry");
  EXPECT_EQ(Counted(2, "retry", "retries"), "2 retries");
}

TEST(FormatTest, ATimestampIsRfc3339) {
  EXPECT_THAT(LocalTimestamp({}), testing::MatchesRegex("19(70|69)-[0-9]+-[0-9]+T[0-9:]+[+-][0-9]+:[0-9]+"));
}

TEST(FormatTest, AShellWordIsQuotedOnlyIfNeeded) {
  EXPECT_EQ(ShellWord("a/b-c_1.yaml"), "a/b-c_1.yaml");
  EXPECT_EQ(ShellWord("a b"), "'a b'");
  EXPECT_EQ(ShellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellWord(""), "''");
  EXPECT_EQ(ShellWord("a\nb'\\\x1b["), R"($'a\x0ab\'\\\x1b[')");
}

}  // namespace format_test
}  // namespace pipeline
