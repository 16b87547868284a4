#include "pipeline/reports/session_files.h"

#include <gtest/gtest.h>

#include <string>

#include "pipeline/report/summary.h"

namespace pipeline {
namespace session_files_test {

TEST(SessionFacts, ReadsWhatSummaryJsonHas) {
  Summary summary;
  summary.started_s = 1000;
  summary.ended_s = 1100;
  summary.seconds = std::chrono::duration<double>(99.5);
  summary.host = "node";
  summary.endpoint = "http://s";
  summary.slots = {{0.5, 64}};
  summary.uploaded_before = 7;
  const auto facts = ParseSessionFacts(SummaryJson(summary, kExitOk));
  EXPECT_EQ(facts.started_s, 1000);
  EXPECT_EQ(facts.ended_s, 1100);
  EXPECT_EQ(facts.seconds, 99.5);
  EXPECT_EQ(facts.host, "node");
  EXPECT_EQ(facts.endpoint, "http://s");
  EXPECT_EQ(facts.uploaded_before, 7u);
  ASSERT_EQ(facts.slots.size(), 1u);
  EXPECT_EQ(facts.slots[0].second, 64);
}

TEST(SessionFacts, ReadsWhereTheTimeWent) {
  const auto facts =
      ParseSessionFacts(R"({"slot_seconds":{"store":5.5},"verdict":{"limit":"store","text":"Why"},
      "latency":[{"operation":"PutObject","size_class":"small","count":3,"p50_ms":1,"p90_ms":2,"p99_ms":3,
                  "p999_ms":4,"max_ms":5}]})");
  EXPECT_EQ(facts.slot_seconds.at("store"), 5.5);
  EXPECT_EQ(facts.limit, "store");
  EXPECT_EQ(facts.verdict, "Why");
  ASSERT_EQ(facts.latencies.size(), 1u);
  EXPECT_EQ(facts.latencies[0].operation, "PutObject");
  EXPECT_EQ(facts.latencies[0].p999_ms, 4);
}

TEST(SessionFacts, IgnoresValuesOfOtherTypes) {
  for (
      const auto* text :
      {"", "[]", "{", R"({"seconds":"x","host":7,"slots":[[1]],"slot_seconds":[],"verdict":3,"latency":{}})",
       R"({"seconds":-1,"started":"yesterday","slots":7,"latency":[[]],"slot_seconds":{"a":"b"},"verdict":[]})",
       R"({"seconds":1e300,"slots":[[1,2,3]],"earlier_sessions":[]})"}) {
    const auto facts = ParseSessionFacts(text);
    EXPECT_EQ(facts.seconds, 0) << text;
    EXPECT_EQ(facts.started_s, 0) << text;
    EXPECT_TRUE(facts.host.empty() && facts.slots.empty() && facts.verdict.empty()) << text;
  }
}

TEST(Series, EndsAtTheFirstLineThatIsNoPoint) {
  const std::string line =
      R"({"t":1,"done":2,"done_bytes":30,"failed":0,"retries":1,"in_flight":8,"slots":{"store":7.5}})";
  const auto points = ParseSeries(line + "\n" + R"({"t":2,"done":4})" + "\n" + R"({"t":3,"do)");
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].done_bytes, 30);
  EXPECT_EQ(points[0].in_flight, 8);
  EXPECT_EQ(points[0].slot_seconds.at("store"), 7.5);
  EXPECT_EQ(points[1].done, 4);
  EXPECT_EQ(ParseSeries(line + "\n" + line).size(), 1u) << "time must go on";
  EXPECT_TRUE(ParseSeries("[1]\n").empty());
  EXPECT_TRUE(ParseSeries("").empty());
}

}  // namespace session_files_test
}  // namespace pipeline
