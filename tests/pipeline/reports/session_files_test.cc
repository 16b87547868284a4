#include "pipeline/reports/session_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <map>
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
  summary.slots = {{0.5, 64}, {1, 32}};
  summary.uploaded = 10;
  summary.uploaded_before = 7;
  summary.uploaded_bytes = 300;
  summary.uploaded_bytes_before = 100;
  const auto facts = ParseSessionFacts(SummaryJson(summary, kExitOk));
  EXPECT_EQ(facts.started_s, 1000);
  EXPECT_EQ(facts.ended_s, 1100);
  EXPECT_EQ(facts.seconds, 99.5);
  EXPECT_EQ(facts.host, "node");
  EXPECT_EQ(facts.endpoint, "http://s");
  EXPECT_EQ(facts.uploaded_now, 3u);
  EXPECT_EQ(facts.uploaded_bytes_now, 200u);
  EXPECT_EQ(facts.max_slots, 64);
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
    EXPECT_TRUE(facts.host.empty() && facts.max_slots == 0 && facts.verdict.empty()) << text;
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
  EXPECT_EQ(ParseSeries(R"({"t":2})"
                        "\n" +
                        line)
                .size(),
            1u)
      << "time must not go back";
  EXPECT_TRUE(ParseSeries("[1]\n").empty());
  EXPECT_TRUE(ParseSeries("").empty());
}

TEST(Series, LinesOfTheSameTimeAreOnePoint) {
  const auto points = ParseSeries(R"({"t":1,"done":2,"slots":{"a":1,"b":2}})"
                                  "\n"
                                  R"({"t":1,"done":5,"slots":{"b":3}})"
                                  "\n"
                                  R"({"t":2,"done":6})");
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].done, 5);
  EXPECT_EQ(points[0].slot_seconds, (std::map<std::string, double>{{"a", 1}, {"b", 5}}));
}

TEST(Series, EndsAtALineThatIsTooLong) {
  EXPECT_TRUE(ParseSeries(R"({"t":1,"a":")" + std::string(1 << 20, 'x') + "\"}").empty());
}

TEST(SessionFacts, NestedValuesTakeLittleMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs memory of its own";
#endif
  const auto rest = R"("host":"node","x":)" + std::string(1 << 20, '[') + std::string(1 << 20, ']');
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ(ParseSessionFacts("{" + rest + "}").host, "node");
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 60 << 10) << "KiB; without a limit 80 MiB";
}

}  // namespace session_files_test
}  // namespace pipeline
