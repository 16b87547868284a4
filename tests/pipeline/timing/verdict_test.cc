#include "pipeline/timing/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace pipeline {
namespace verdict_test {

using s3::SlotState;
using testing::HasSubstr;

using Times = std::vector<std::pair<SlotState, double>>;

s3::BySlotState<double> SlotSeconds(const Times& times) {
  s3::BySlotState<double> seconds;
  for (const auto& [state, value] : times) seconds[state] += value;
  return seconds;
}

// A run of ten seconds, with far fewer slots than upload.concurrency allows.
Evidence Of(const Times& times) {
  return {.slot_seconds = SlotSeconds(times), .seconds = 10, .cpu_seconds = 4, .cores = 2, .max_slots = 1024};
}

struct Case {
  std::string limit;
  Times times;
};

class VerdictTest : public testing::TestWithParam<Case> {};

TEST_P(VerdictTest, FollowsFromTheSlotTime) {
  const auto& [limit, times] = GetParam();
  const auto verdict = VerdictOf(Of(times));
  EXPECT_EQ(verdict.limit, limit) << verdict.text;
  EXPECT_THAT(verdict.text, testing::StartsWith(limit == "none" ? "No single limit" : "Limited by "));
  const auto live = LimitOf(SlotSeconds(times), 0.2);
  EXPECT_EQ(live, limit == "none" ? "" : limit);
  EXPECT_EQ(PhraseOf(live).empty(), limit == "none");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, VerdictTest,
    testing::Values(
        Case{"store", {{SlotState::kFirstByte, 70}, {SlotState::kReceiving, 17}, {SlotState::kCpu, 13}}},
        Case{"network", {{SlotState::kSending, 80}, {SlotState::kFirstByte, 20}}},
        Case{"connecting", {{SlotState::kConnecting, 60}, {SlotState::kFirstByte, 30}}},
        Case{"source", {{SlotState::kSource, 90}, {SlotState::kCpu, 10}}},
        Case{"source", {{SlotState::kStream, 60}, {SlotState::kSource, 10}, {SlotState::kCpu, 30}}},
        Case{"reading", {{SlotState::kReading, 60}, {SlotState::kFirstByte, 20}}},
        Case{"cpu", {{SlotState::kCpu, 60}, {SlotState::kFirstByte, 20}}},
        Case{"memory", {{SlotState::kMemory, 60}, {SlotState::kFirstByte, 30}}},
        Case{"bandwidth", {{SlotState::kBandwidth, 60}, {SlotState::kFirstByte, 30}}},
        Case{"request_rate", {{SlotState::kRequestRate, 60}, {SlotState::kFirstByte, 30}}},
        Case{"throttling", {{SlotState::kThrottling, 60}, {SlotState::kFirstByte, 30}}},
        Case{"outage", {{SlotState::kOutage, 60}, {SlotState::kFirstByte, 30}}},
        Case{"retries", {{SlotState::kBackoff, 60}, {SlotState::kFirstByte, 30}}},
        Case{"siblings", {{SlotState::kSibling, 60}, {SlotState::kFirstByte, 30}}},
        Case{"journal", {{SlotState::kJournal, 60}, {SlotState::kFirstByte, 30}}},
        // A task that waits for a worker waits for what the workers do.
        Case{"reading", {{SlotState::kWorkerQueue, 60}, {SlotState::kReading, 18}, {SlotState::kCpu, 2}}},
        Case{"cpu", {{SlotState::kWorkerQueue, 60}, {SlotState::kReading, 2}, {SlotState::kCpu, 18}}},
        // Neither the end of the source nor the slots of large bodies are a limit.
        Case{"store",
             {{SlotState::kFinished, 500}, {SlotState::kLargeBody, 500}, {SlotState::kFirstByte, 1}}},
        Case{"none", {{SlotState::kFirstByte, 60}, {SlotState::kCpu, 40}}},
        Case{"none",
             {{SlotState::kFirstByte, 40},
              {SlotState::kCpu, 15},
              {SlotState::kReading, 15},
              {SlotState::kMemory, 30}}},
        Case{"none", {{SlotState::kWorkerQueue, 60}, {SlotState::kReading, 10}, {SlotState::kCpu, 10}}}));

TEST(VerdictTextTest, GivesTheEvidence) {
  auto evidence = Of({{SlotState::kFirstByte, 4350}, {SlotState::kCpu, 650}});
  evidence.latency = s3::LatencyStats{.p50_ms = 41, .p99_ms = 380.4};
  EXPECT_EQ(
      VerdictOf(evidence).text,
      "Limited by the store: 87 % of slot time waited for its responses (p50 41 ms, p99 380 ms); 435 of "
      "at most 1024 in flight");
  evidence = Of({{SlotState::kCpu, 81}, {SlotState::kFirstByte, 19}});
  evidence.cpu_seconds = 19;
  EXPECT_EQ(VerdictOf(evidence).text,
            "Limited by the CPU: 81 % of slot time went into hashing and other computation; 1.9 of 2 cores "
            "busy");
  EXPECT_EQ(
      VerdictOf(Of({{SlotState::kFirstByte, 45}, {SlotState::kCpu, 52}, {SlotState::kReading, 3}})).text,
      "No single limit: slot time went to the CPU 52 %, the store 45 %");
}

TEST(VerdictTextTest, NamesTheConcurrencyIfAllSlotsWaitForTheStore) {
  auto evidence = Of({{SlotState::kFirstByte, 38}, {SlotState::kCpu, 2}});
  evidence.max_slots = 4;
  evidence.latency = s3::LatencyStats{.count = 1700, .min_ms = 20, .p50_ms = 22, .p99_ms = 30};
  const auto verdict = VerdictOf(evidence);
  EXPECT_EQ(verdict.limit, "concurrency");
  EXPECT_THAT(verdict.text,
              HasSubstr("all 4 slots in use, 95 % of their time waiting for the store (p50 22 ms"));
  evidence.max_slots = 5;
  EXPECT_EQ(VerdictOf(evidence).limit, "store") << "one slot was free";
  evidence.max_slots = 4;
  evidence.latency->min_ms = 5;
  EXPECT_EQ(VerdictOf(evidence).limit, "store") << "responses take longer because the store is busy";
  evidence.latency->min_ms = 20;
  evidence.latency->count = 3;
  EXPECT_EQ(VerdictOf(evidence).limit, "store") << "too few responses to tell";
  evidence.latency->count = 400;
  EXPECT_EQ(VerdictOf(evidence).limit, "store") << "most of the time went into requests without a response";
  evidence.latency->count = 1700;
  evidence.slot_seconds = SlotSeconds({{SlotState::kCpu, 40}});
  EXPECT_EQ(VerdictOf(evidence).limit, "cpu") << "more slots would not help";
}

TEST(VerdictTextTest, SlotsThatWereFreeAreNotInUse) {
  auto evidence = Of({{SlotState::kFirstByte, 38}, {SlotState::kFinished, 200}});
  evidence.max_slots = 24;
  evidence.latency = s3::LatencyStats{.count = 24, .min_ms = 20, .p50_ms = 1022, .p99_ms = 4880};
  EXPECT_EQ(
      VerdictOf(evidence).text,
      "Limited by the store: 100 % of slot time waited for its responses (p50 1022 ms, p99 4880 ms); 4 of "
      "at most 24 in flight");
}

TEST(VerdictTextTest, WithAllCoresBusyTheCpuIsTheLimit) {
  for (const auto state : {SlotState::kFirstByte, SlotState::kSending, SlotState::kConnecting}) {
    auto evidence = Of({{state, 98}, {SlotState::kCpu, 2}});
    evidence.cpu_seconds = 18.5;
    EXPECT_EQ(VerdictOf(evidence).text, "Limited by the CPU: 1.9 of 2 cores busy");
    EXPECT_EQ(LimitOf(evidence.slot_seconds, 0.925), "cpu");
  }
  auto evidence = Of({{SlotState::kBandwidth, 98}});
  evidence.cpu_seconds = 18.5;
  EXPECT_EQ(VerdictOf(evidence).limit, "bandwidth") << "the user's own limit holds at any load";
}

TEST(VerdictTextTest, AMomentIsTooShortForAVerdict) {
  auto evidence = Of({{SlotState::kFirstByte, 38}});
  evidence.seconds = 0.1;
  EXPECT_EQ(VerdictOf(evidence).limit, "none");
  EXPECT_EQ(VerdictOf(evidence).text, "");
}

TEST(VerdictTextTest, NamesTheLimitsOfTheProcessIfTheySetTheSlots) {
  auto evidence = Of({{SlotState::kFirstByte, 40}});
  evidence.max_slots = 4;
  evidence.slot_limit = "the limits of this process (ulimit)";
  evidence.latency = s3::LatencyStats{.count = 1700, .min_ms = 20, .p50_ms = 22, .p99_ms = 30};
  EXPECT_THAT(VerdictOf(evidence).text,
              testing::StartsWith("Limited by the limits of this process (ulimit): all 4"));
}

TEST(VerdictTextTest, ReadsThatKeepAllCoresBusyAreNotBlocked) {
  auto evidence = Of({{SlotState::kWorkerQueue, 60}, {SlotState::kReading, 18}, {SlotState::kCpu, 2}});
  EXPECT_EQ(VerdictOf(evidence).limit, "reading");
  evidence.cpu_seconds = 17;
  EXPECT_EQ(VerdictOf(evidence).limit, "cpu");
  EXPECT_EQ(LimitOf(evidence.slot_seconds, 0.85), "cpu");
}

TEST(VerdictTextTest, SaysNothingOfARunWithoutWork) {
  EXPECT_EQ(VerdictOf({}).limit, "none");
  EXPECT_EQ(VerdictOf({}).text, "");
  EXPECT_EQ(VerdictOf(Of({{SlotState::kFinished, 10}})).text, "");
  EXPECT_EQ(LimitOf({}, 0), "");
  EXPECT_EQ(PhraseOf("unknown"), "");
}

}  // namespace verdict_test
}  // namespace pipeline
