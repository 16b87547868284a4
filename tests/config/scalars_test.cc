#include "config/scalars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace config {
namespace scalars_test {

TEST(ParseSize, UnitsArePowersOf1000Or1024) {
  const std::pair<const char*, std::uint64_t> good[] = {
      {"0", 0},      {"8388608", 8388608}, {"8MB", 8'000'000}, {"8MiB", 8'388'608}, {"8 MiB", 8'388'608},
      {"1kb", 1000}, {"2TiB", 2ull << 40}, {"7B", 7}};
  for (const auto& [text, bytes] : good) EXPECT_EQ(ParseSize(text).value_or(1), bytes) << text;
  for (const auto* text :
       {"", "MB", "8MBB", "-1", "1.5MB", "8M", "99999999999999999999", "99999999TiB", "8 8MB"})
    EXPECT_FALSE(ParseSize(text)) << text;
}

TEST(ParseDuration, UnitsComeFromLargeToSmall) {
  const std::pair<const char*, long> good[] = {{"200ms", 200},    {"20s", 20'000}, {"1m30s", 90'000},
                                               {"2h", 7'200'000}, {"0s", 0},       {"1h1m1s1ms", 3'661'001}};
  for (const auto& [text, ms] : good)
    EXPECT_EQ(ParseDuration(text).value_or(std::chrono::milliseconds(-1)).count(), ms) << text;
  for (const auto* text :
       {"", "20", "s", "30s1m", "1s1s", "-1s", "1.5s", "9999999h", "99999999999999999999s", "1d"})
    EXPECT_FALSE(ParseDuration(text)) << text;
}

TEST(ParseAge, TakesDays) {
  const std::pair<const char*, long> good[] = {
      {"30d", 2'592'000}, {"12h", 43'200}, {"1d12h30m", 131'400}, {"0d", 0}, {"36500d", 3'153'600'000}};
  for (const auto& [text, seconds] : good)
    EXPECT_EQ(ParseAge(text).value_or(std::chrono::seconds(-1)).count(), seconds) << text;
  for (const auto* text : {"", "d", "30", "1.5d", "-1d", "1h1d", "1d1", "36501d", "99999999999999999999d"})
    EXPECT_FALSE(ParseAge(text)) << text;
}

TEST(ParseTime, TakesDatesAndTimesWithAZone) {
  const std::pair<const char*, long> good[] = {{"1970-01-01", 0},
                                               {"2026-01-31", 1'769'817'600},
                                               {"2026-01-31T12:00:00Z", 1'769'860'800},
                                               {"2026-01-31T12:00:00+01:30", 1'769'855'400},
                                               {"2026-01-31T12:00:00-01:00", 1'769'864'400},
                                               {"1969-12-31T23:59:59Z", -1},
                                               {"2024-02-29", 1'709'164'800}};
  for (const auto& [text, seconds] : good) EXPECT_EQ(ParseTime(text).value_or(-2), seconds) << text;
  for (const auto* text :
       {"", "2026-02-29", "2026-13-01", "2026-1-1", "26-01-01", "2026-01-31T12:00", "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:00+1:00",
        "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00Zx", "2026-01-31T12:00:00.5Z", "2026-01-31x"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

TEST(ShowDuration, ReadsBack) {
  for (const long ms : {0l, 1l, 999l, 1000l, 90'000l, 86'400'000l}) {
    EXPECT_EQ(ParseDuration(ShowDuration(std::chrono::milliseconds(ms)))->count(), ms);
  }
  EXPECT_EQ(ShowDuration(std::chrono::milliseconds(90'000)), "1m30s");
  EXPECT_EQ(ShowDuration(std::chrono::milliseconds(1500)), "1500ms");
  EXPECT_EQ(ShowDuration(std::chrono::milliseconds(0)), "0s");
}

TEST(ShowSize, ReadsBack) {
  for (const std::uint64_t bytes :
       std::initializer_list<std::uint64_t>{0, 1, 1000, 1024, 8'000'000, 8 << 20, 5ull << 40, UINT64_MAX}) {
    EXPECT_EQ(ParseSize(ShowSize(bytes)), bytes);
  }
  EXPECT_EQ(ShowSize(8 << 20), "8MiB");
  EXPECT_EQ(ShowSize(64'000'000), "64MB");
  EXPECT_EQ(ShowSize(1001), "1001B");
  EXPECT_EQ(ShowSize(0), "0");
}

TEST(ParseInteger, OnlyWholeNumbersAndWordsAreAccepted) {
  EXPECT_EQ(ParseInteger("12", 1, 20).value_or(0), 12);
  for (const auto* text : {"", "0", "21", "1x", "0x5", "1 "}) EXPECT_FALSE(ParseInteger(text, 1, 20)) << text;
  EXPECT_TRUE(ParseBool("true").value_or(false));
  for (const auto* text : {"yes", "True", "1", ""}) EXPECT_FALSE(ParseBool(text)) << text;
}

}  // namespace scalars_test
}  // namespace config
