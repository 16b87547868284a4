// The totals of a run, its exit status, and both forms of the summary.
#include "pipeline/report/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "s3/base/slot_time.h"

namespace pipeline {
namespace summary_test {

using testing::HasSubstr;
using testing::Not;

ObjectResult ResultOf(Outcome outcome, std::uint64_t size_bytes = 0, int attempts = 1) {
  ObjectResult result;
  result.outcome = outcome;
  result.size_bytes = size_bytes;
  result.attempts = attempts;
  return result;
}

TEST(SummaryTest, CountsEachOutcomeAndTheRetries) {
  Summary summary;
  summary.Count(ResultOf(Outcome::kUploaded, 10, 3));
  summary.Count(ResultOf(Outcome::kSent, 20));
  summary.Count(ResultOf(Outcome::kSkipped, 40));
  summary.Count(ResultOf(Outcome::kCancelled, 80, 0));
  auto failed = ResultOf(Outcome::kFailed, 160, 2);
  failed.error = s3::Error{.kind = s3::ErrorKind::kAccessDenied};
  summary.Count(failed);
  summary.found = 5;
  EXPECT_TRUE(summary.AddsUp());
  EXPECT_EQ(summary.uploaded_bytes, 30u) << "bytes of uploaded and sent inputs only";
  EXPECT_EQ(summary.retries, 3u);
  EXPECT_EQ(summary.failures_by_kind.at("access_denied"), 1u);
}

TEST(SummaryTest, EarlierSessionsAddInputsAndNoRetries) {
  Summary earlier;
  earlier.found = 3;
  earlier.uploaded = 2;
  earlier.skipped = 1;
  earlier.uploaded_bytes = 100;
  earlier.retries = 7;
  Summary summary{.found = 1, .uploaded = 1, .uploaded_bytes = 10};
  summary.AddEarlier(earlier);
  EXPECT_EQ(summary.found, 4u);
  EXPECT_EQ(summary.uploaded, 3u);
  EXPECT_EQ(summary.uploaded_bytes, 110u);
  EXPECT_EQ(summary.uploaded_before, 2u);
  EXPECT_EQ(summary.retries, 0u);
  EXPECT_TRUE(summary.AddsUp());
}

TEST(SummaryTest, DoesNotAddUpIfAnInputOrTheJournalDiffers) {
  Summary summary{.found = 1, .uploaded = 1};
  EXPECT_TRUE(summary.AddsUp());
  summary.journal_agrees = false;
  EXPECT_FALSE(summary.AddsUp());
  EXPECT_FALSE((Summary{.found = 2, .uploaded = 1}).AddsUp());
}

TEST(ExitStatusTest, FollowsFromCountsAndCause) {
  const Summary fine{.found = 1, .uploaded = 1, .source_exhausted = true};
  const Summary failed{.found = 2, .uploaded = 1, .failed = 1, .source_exhausted = true};
  const Summary left{.found = 2, .uploaded = 1, .cancelled = 1, .source_exhausted = true};
  const Summary broken{.found = 2, .uploaded = 1, .source_exhausted = true};
  const Summary lost{.found = 1, .uploaded = 1, .source_exhausted = false};
  const Summary empty{.source_exhausted = true};
  EXPECT_EQ(ExitStatusOf(fine, {}, false), kExitOk);
  EXPECT_EQ(ExitStatusOf(failed, {}, false), kExitSomeFailed);
  EXPECT_EQ(ExitStatusOf(broken, {}, false), kExitBroken);
  EXPECT_EQ(ExitStatusOf(lost, {}, false), kExitBroken) << "the source ended early, and nobody stopped it";
  EXPECT_EQ(ExitStatusOf(empty, {}, false), kExitNoInput);
  EXPECT_EQ(ExitStatusOf(empty, {}, true), kExitOk);
  EXPECT_EQ(ExitStatusOf(left, StopCause::kTerminate, false), kExitStopped);
  EXPECT_EQ(ExitStatusOf(left, StopCause::kInterrupt, false), kExitInterrupted);
  EXPECT_EQ(ExitStatusOf(fine, StopCause::kInterrupt, false), kExitOk)
      << "the stop came after the last input";
  EXPECT_EQ(ExitStatusOf(failed, StopCause::kRefused, false), kExitRefused);
  EXPECT_EQ(ExitStatusOf(left, StopCause::kTooManyFailures, false), kExitSomeFailed);
  EXPECT_EQ(ExitStatusOf(fine, StopCause::kJournalFailed, false), kExitJournal);
}

TEST(ExitStatusTest, IsRefusedOnlyIfAccessToEveryInputIsDenied) {
  Summary denied{
      .found = 2, .failed = 2, .failures_by_kind = {{"access_denied", 2}}, .source_exhausted = true};
  EXPECT_EQ(ExitStatusOf(denied, {}, false), kExitRefused);
  denied.failures_by_kind = {{"access_denied", 1}, {"permanent", 1}};
  EXPECT_EQ(ExitStatusOf(denied, {}, false), kExitSomeFailed);
}

TEST(ExitStatusTest, OfAStopWithoutResults) {
  EXPECT_EQ(ExitStatusOf(StopCause::kInterrupt), kExitInterrupted);
  EXPECT_EQ(ExitStatusOf(StopCause::kTimeLimit), kExitStopped);
  EXPECT_EQ(ExitStatusOf(StopCause::kStoreUnreachable), kExitStopped);
  EXPECT_EQ(ExitStatusOf(StopCause::kRefused), kExitRefused);
}

TEST(HumanSummaryTest, HasTwoLinesForAPlainRun) {
  const Summary plain{.found = 1,
                      .uploaded = 1,
                      .uploaded_bytes = 2048,
                      .source_exhausted = true,
                      .seconds = std::chrono::seconds(2)};
  EXPECT_EQ(HumanSummary(plain, {}),
            "1 found: 1 uploaded, 0 skipped, 0 failed, 0 cancelled\n"
            "2.0 KiB in 2.00 s: 1.0 KiB/s, 0 objects/s, 0 retries\n");
}

TEST(HumanSummaryTest, SaysWhatLimitedTheRun) {
  Summary summary{.found = 1, .uploaded = 1};
  summary.verdict = {"store", "Limited by the store: 87 % of slot time waited for its responses"};
  EXPECT_THAT(HumanSummary(summary, {}),
              HasSubstr("0 retries\nLimited by the store: 87 % of slot time waited for its responses\n"));
}

TEST(HumanSummaryTest, NamesWhatWasUnusual) {
  Summary unusual{.found = 3,
                  .uploaded = 1,
                  .failed = 1,
                  .session = 2,
                  .reused_parts = 4,
                  .credential_renewals = 5,
                  .stragglers = 6,
                  .failures_by_kind = {{"permanent", 1}},
                  .failures = {{"refused by the store [Code]", {.count = 1, .first_paths = {"a"}}}},
                  .skips = {{"a reason", {.count = 2, .first_paths = {"b", "c"}}}},
                  .uploads_left = 7};
  const auto text = HumanSummary(unusual, StopCause::kTerminate);
  for (const auto* words :
       {"0 inputs done by earlier sessions, 4 parts of unfinished uploads reused\n",
        "credentials renewed: 5\n", "slow requests sent again: 6\n",
        "failed: refused by the store [Code]: 1 file: a\n", "skipped: a reason: 2 files, first b, c\n",
        "STOPPED", "stopped early",
        "7 multipart uploads could not be aborted: run s3flow clean to try again\n", "BROKEN"}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
  unusual.failed = 2;
  EXPECT_THAT(HumanSummary(unusual, {}), Not(HasSubstr("BROKEN")));
}

// Its keys are a contract with users' scripts.
TEST(SummaryJsonTest, KeepsItsKeys) {
  Summary summary{.found = 5,
                  .uploaded = 4,
                  .cancelled = 1,
                  .uploaded_bytes = 50,
                  .found_before = 3,
                  .uploaded_before = 3,
                  .uploaded_bytes_before = 30,
                  .source_exhausted = true};
  const auto json = nlohmann::json::parse(SummaryJson(summary, kExitStopped));
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(
      keys, testing::UnorderedElementsAre(
                "found", "uploaded", "skipped", "failed", "cancelled", "sent", "uploaded_bytes", "session",
                "settled_before", "uploaded_bytes_before", "this_session", "earlier_sessions", "reused_parts",
                "retries", "credential_renewals", "stragglers", "transport", "uploads_left",
                "failures_by_kind", "complete", "found_bytes", "started", "ended", "host", "job_file",
                "endpoint", "bucket", "prefix", "seconds", "peak_memory_bytes", "slots", "slot_seconds",
                "verdict", "latency", "exit_status", "version"));
  EXPECT_EQ(json.at("this_session").at("uploaded"), 1);
  EXPECT_EQ(json.at("earlier_sessions").at("uploaded"), 3);
  EXPECT_EQ(json.at("complete"), false);
  EXPECT_EQ(json.at("exit_status"), 75);
  EXPECT_EQ(json.at("started"), "1970-01-01T00:00:00Z");
  EXPECT_EQ(json.at("verdict"), (nlohmann::json{{"limit", "none"}, {"text", ""}}));
  EXPECT_EQ(json.at("slot_seconds").size(), s3::kSlotStates);
  summary.slot_seconds[s3::SlotState::kFirstByte] = 2.5;
  summary.verdict = {"store", "Limited by the store"};
  summary.latency = {
      {.operation = "PutObject", .size_class = "none", .count = 3, .p50_ms = 1.5, .max_ms = 2}};
  const auto timing = nlohmann::json::parse(SummaryJson(summary, kExitOk));
  EXPECT_EQ(timing.at("slot_seconds").at("first_byte"), 2.5);
  EXPECT_EQ(timing.at("verdict").at("limit"), "store");
  EXPECT_EQ(timing.at("latency").at(0), (nlohmann::json{{"operation", "PutObject"},
                                                        {"size_class", "none"},
                                                        {"count", 3},
                                                        {"p50_ms", 1.5},
                                                        {"p90_ms", 0.0},
                                                        {"p99_ms", 0.0},
                                                        {"p999_ms", 0.0},
                                                        {"max_ms", 2.0}}));
  summary.shard = "3/8";
  EXPECT_EQ(nlohmann::json::parse(SummaryJson(summary, kExitOk)).at("shard"), "3/8");
}

}  // namespace summary_test
}  // namespace pipeline
