#include "pipeline/reports/report_html.h"

#include <gtest/gtest.h>

#include <string>

#include "pipeline/fs/own_dir.h"
#include "tests/support/support.h"

namespace pipeline {
namespace report_html_test {

constexpr const char* kAttack = "\"><script>alert(1)</script><img src=x onerror=alert(1)>\n\x1b[31m\xff";

class ReportHtmlTest : public testing::Test {
 protected:
  ReportHtmlTest() {
    RunRecords run{.directory = OwnDir::Open(directory_.path()).value()};
    run.run = RunRecord{.scope = {RunKind::kRun, {"http://s"}, "bucket", ""}, .settings = "source: []\n"};
    run.end = EndRecord{0, true};
    data_ = EmptyData({.runs = {run}});
  }
  RunRecords& run() { return data_.scope.runs.front(); }
  std::string Page() {
    return ReportHtml(data_, TimelineOf(data_.scope.runs, [this](const RunRecords&) { return series_; }), 0);
  }
  bool PageHas(const std::string& text) { return Page().find(text) != std::string::npos; }

  const test::TempDir directory_;
  ReportData data_;
  std::vector<SessionPoint> series_;  // of each run
};

TEST_F(ReportHtmlTest, SaysWhatIsLeftOut) {
  const auto page = Page();
  EXPECT_NE(page.find("Left out, because there is nothing to show:"), std::string::npos);
  EXPECT_NE(page.find("Throughput"), std::string::npos);
  EXPECT_EQ(page.find("<svg role"), std::string::npos);
}

TEST_F(ReportHtmlTest, ShowsSeriesVerdictAndLatencies) {
  run().last_session = ParseSessionFacts(
      R"({"slot_seconds":{"request_rate":5},"verdict":{"limit":"store","text":"Limited by x"},
      "latency":[{"operation":"PutObject","size_class":"small","count":3,"p50_ms":1.5}]})");
  run().last_session.started_s = 1000;
  series_ = ParseSeries(R"({"t":1,"done":2,"done_bytes":30,"in_flight":8,"slots":{"request_rate":8}})");
  EXPECT_TRUE(PageHas("Limited by x"));
  EXPECT_TRUE(PageHas("<th scope=\"row\">waiting for limits.requests_per_second</th>"));
  EXPECT_TRUE(PageHas("<th scope=\"row\">PutObject</th>"));
  EXPECT_TRUE(PageHas("1.5 ms"));
  EXPECT_TRUE(PageHas("<title>Throughput</title>"));
  EXPECT_TRUE(PageHas("<title>Slots by state</title>"));
}

TEST_F(ReportHtmlTest, LatenciesOfSeveralRunsAreOneRow) {
  run().last_session.latencies.push_back(
      {.operation = "PutObject", .size_class = "s", .count = 1000, .p50_ms = 5, .max_ms = 7});
  data_.scope.runs.push_back(run());
  run().last_session.latencies[0].p50_ms = 3;
  const auto page = Page();
  EXPECT_NE(page.find("<th scope=\"row\">PutObject</th><td>s</td><td class=\"number\">2,000</td><td "
                      "class=\"number\">5 ms</td>"),
            std::string::npos);
  EXPECT_EQ(page.find("PutObject"), page.rfind("PutObject"));
}

TEST_F(ReportHtmlTest, SaysOnceWhatLimitedSeveralShards) {
  run().last_session.limit = "store";
  run().last_session.verdict = "Limited by the store";
  run().shard = 0;
  for (const int shard : {1, 2}) {
    data_.scope.runs.push_back(run());
    data_.scope.runs.back().shard = shard;
  }
  data_.scope.runs.back().last_session.limit = "hashing";
  data_.scope.runs.back().last_session.verdict = "Limited by hashing";
  EXPECT_TRUE(PageHas("<p>Shards 0-1: for example shard 0: Limited by the store</p>\n"));
  EXPECT_TRUE(PageHas("<p>Shard 2: Limited by hashing</p>\n"));
}

TEST_F(ReportHtmlTest, EscapesEverything) {
  auto& summary = data_.summary;
  summary.bucket = summary.endpoint = summary.prefix = summary.host = summary.job_file = kAttack;
  run().run->settings = kAttack;
  run().run->scheduler = {{kAttack, kAttack}};
  run().last_session.verdict = run().last_session.limit = run().last_session.version = kAttack;
  run().last_session.slot_seconds[kAttack] = 1;
  run().last_session.latencies.push_back({kAttack, kAttack, 1});
  run().last_session.started_s = 1000;
  series_.push_back({.t_s = 1, .done = 1, .done_bytes = 1, .slot_seconds = {{kAttack, 1}}});
  ResultDetails details;
  details.kind = "permanent";
  details.code = details.message = details.reason = kAttack;
  const std::string path = kAttack;
  for (const auto outcome : {Outcome::kFailed, Outcome::kSkipped, Outcome::kUploaded}) {
    AddResult({.outcome = outcome, .path = path, .key = path}, details, &data_);
  }
  const auto page = Page();
  for (const auto* part : {"<script", "<img", "\x1b", "\xff"})
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
}

TEST_F(ReportHtmlTest, IsSmallWhateverTheNumberAndLengthOfTexts) {
  ResultDetails details;
  details.kind = "permanent";
  const std::string path(4096, '"');
  for (int i = 0; i < 500; ++i) {
    details.code = std::to_string(i) + std::string(2000, '&');
    details.message = std::string(5000, '<');
    AddResult({.outcome = Outcome::kFailed, .path = path, .key = path}, details, &data_);
    details.reason = details.code;
    AddResult({.outcome = Outcome::kSkipped, .path = path, .key = path}, details, &data_);
    AddResult({.outcome = Outcome::kUploaded, .path = path, .key = path}, details, &data_);
  }
  run().run->settings = std::string(1 << 20, '&');
  for (int i = 0; i < 1000; ++i) {
    data_.scope.runs.push_back(run());
    data_.scope.runs.back().shard = i;
  }
  data_.summary.bucket = data_.summary.endpoint = std::string(1 << 20, '<');
  EXPECT_LT(Page().size(), 700u << 10);
}

TEST_F(ReportHtmlTest, SaysThatARunHasNotEnded) {
  run().end.reset();
  EXPECT_TRUE(PageHas("Killed before the end"));
  run().view.phase = RunPhase::kActive;
  EXPECT_TRUE(PageHas("Running: this page shows the results so far"));
}

TEST_F(ReportHtmlTest, SaysThatWorkIsLeftWhateverTheExitStatus) {
  run().end = EndRecord{kExitRefused, false};
  EXPECT_TRUE(PageHas("Stopped before the end: work is left"));
}

TEST_F(ReportHtmlTest, SaysThatItIsARehearsal) {
  EXPECT_FALSE(PageHas("ehears"));
  run().run->scope.kind = RunKind::kRehearsal;
  EXPECT_TRUE(PageHas("<h1>Rehearsal of an upload to "));
  EXPECT_TRUE(PageHas("nothing of it is in a store"));
}

TEST_F(ReportHtmlTest, CountsTheObjectsThatFinishMustComplete) {
  for (const int first_part : {1, 3, 5}) {
    AddResult({.outcome = Outcome::kSent, .path = "p", .key = "k", .first_part = first_part}, {}, &data_);
  }
  EXPECT_TRUE(PageHas("Sent: run s3flow finish to complete 1 object (3 ranges of parts)"));
}

TEST(WithoutCheckDigits, RemovesThemOnly) {
  EXPECT_EQ(WithoutCheckDigits("customer_key: \"**redacted** #1a2b\"\n"), "customer_key: \"**redacted**\"\n");
  EXPECT_EQ(WithoutCheckDigits("a: \"${NAME}\" #beef"), "a: \"${NAME}\"");
  EXPECT_EQ(WithoutCheckDigits("path: a #12345\n#1234\n"), "path: a #12345\n#1234\n");
}

}  // namespace report_html_test
}  // namespace pipeline
