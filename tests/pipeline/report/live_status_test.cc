#include "pipeline/report/live_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pipeline {
namespace live_status_test {

LiveStatus Example() {
  return {.state = RunState::kWaiting,
          .host = "node17",
          .process = 123,
          .shard = "3/8",
          .session = 2,
          .started_s = 1'700'000'000,
          .updated_s = 1'700'000'060,
          .found = 100,
          .uploaded = 40,
          .skipped = 5,
          .failed = 3,
          .cancelled = 1,
          .sent = 1,
          .all_found = true,
          .bytes_found = 1000,
          .bytes_done = 400,
          .bytes_left_out = 100,
          .retries = 7,
          .throttled = 8,
          .in_flight = 9,
          .concurrency = 16,
          .bytes_per_s = 10,
          .inputs_per_s = 2,
          .seconds_left = 50,
          .waiting_for = "the store does not answer: \"connection refused\""};
}

TEST(LiveStatusTest, TheJsonIsReadBack) {
  const auto json = StatusJson(Example());
  const auto status = ParseStatus(json).value();
  EXPECT_EQ(StatusJson(status), json);
  EXPECT_EQ(status.state, RunState::kWaiting);
  auto ended = Example();
  ended.state = RunState::kFailed;
  ended.exit_status = 1;
  ended.complete = true;
  EXPECT_EQ(StatusJson(ParseStatus(StatusJson(ended)).value()), StatusJson(ended));
}

// Its keys are a contract with users' scripts.
TEST(LiveStatusTest, TheJsonKeepsItsKeys) {
  auto ended = Example();
  ended.exit_status = 0;
  std::vector<std::string> keys;
  const auto json = nlohmann::json::parse(StatusJson(ended));
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(
      keys, testing::UnorderedElementsAre(
                "schema", "state", "host", "pid", "session", "shard", "started", "updated", "found",
                "uploaded", "skipped", "failed", "cancelled", "sent", "in_flight", "walk_ended", "expected",
                "bytes_expected", "bytes_found", "bytes_done", "bytes_left_out", "percent",
                "bytes_per_second", "inputs_per_second", "seconds_left", "seconds_left_is_minimum", "retries",
                "throttled", "concurrency", "waiting_for", "version", "exit_status", "complete"));
  EXPECT_EQ(json.at("started"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(json.at("state"), "waiting for the store");
  EXPECT_EQ(json.at("seconds_left_is_minimum"), false);
}

TEST(LiveStatusTest, OtherDocumentsAreRefused) {
  EXPECT_EQ(ParseStatus("").error().message, "is not a status of s3flow");
  EXPECT_EQ(ParseStatus("[]").error().message, "is not a status of s3flow");
  EXPECT_EQ(ParseStatus("{\"schema\": 2}").error().message, "was written by another version of s3flow");
  auto json = nlohmann::json::parse(StatusJson(Example()));
  for (const auto& [key, value] : json.items()) {
    for (const nlohmann::json& wrong : {nlohmann::json::array({1}), nlohmann::json::object()}) {
      auto damaged = json;
      damaged[key] = wrong;
      (void)ParseStatus(damaged.dump());  // must not throw
    }
  }
  json["state"] = "elsewhere";
  EXPECT_EQ(ParseStatus(json.dump()).error().message, "is damaged");
  json["state"] = "running";
  json["started"] = "yesterday";
  EXPECT_EQ(ParseStatus(json.dump()).error().message, "is damaged");
}

TEST(LiveStatusTest, WhileTheWalkGoesOnTheExpectedInputsAreTheTotal) {
  auto walking = Example();
  walking.all_found = false;
  EXPECT_TRUE(nlohmann::json::parse(StatusJson(walking)).at("expected").is_null());
  EXPECT_EQ(nlohmann::json::parse(StatusJson(walking)).at("seconds_left_is_minimum"), true);
  walking.expected = {4 * walking.found, 4 * walking.bytes_found};
  const auto json = nlohmann::json::parse(StatusJson(walking));
  EXPECT_EQ(json.at("expected"), 4 * walking.found);
  EXPECT_EQ(json.at("seconds_left_is_minimum"), false);
  EXPECT_DOUBLE_EQ(walking.Percent().value(), Example().Percent().value() / 4);
  EXPECT_EQ(StatusJson(ParseStatus(StatusJson(walking)).value()), StatusJson(walking));
  walking.all_found = true;
  EXPECT_EQ(walking.All().inputs, walking.found) << "the walk knows better";
}

TEST(LiveStatusTest, BytesThatAreNotUtf8AreReplaced) {
  auto status = Example();
  status.waiting_for = "\xff";
  EXPECT_EQ(ParseStatus(StatusJson(status)).value().waiting_for, "\xef\xbf\xbd");
}

TEST(LiveStatusTest, ThePercentageIsOfBytesOrElseOfInputs) {
  EXPECT_EQ(LiveStatus{}.Percent(), std::nullopt);
  EXPECT_DOUBLE_EQ(Example().Percent().value(), 50);
  auto stream = Example();
  stream.bytes_found = 0;
  EXPECT_DOUBLE_EQ(stream.Percent().value(), 50);
  stream.bytes_found = 399;  // the other bytes are of a stream, whose length is unknown
  EXPECT_DOUBLE_EQ(stream.Percent().value(), 50);
  auto repeated = Example();
  repeated.bytes_left_out = 5000;
  EXPECT_DOUBLE_EQ(repeated.Percent().value(), 99.9) << "half of the inputs are left";
}

TEST(LiveStatusTest, TheWorkOfEarlierSessionsIsNoWorkOfThisOne) {
  auto resumed = Example();
  resumed.inputs_before = 30;
  resumed.bytes_before = 300;
  const auto sample = SessionSample(resumed, 7);
  EXPECT_EQ(sample.seconds, 7);
  EXPECT_EQ(sample.objects, 20u);
  EXPECT_EQ(sample.bytes, 100u);
  EXPECT_EQ(sample.sent_bytes, 100u);
}

TEST(LiveStatusTest, TheFinalStatusHasTheCountsOfTheSummary) {
  const Summary summary{.found = 10,
                        .uploaded = 8,
                        .failed = 2,
                        .uploaded_bytes = 800,
                        .found_bytes = 1000,
                        .found_before = 4,
                        .uploaded_bytes_before = 300,
                        .source_exhausted = true,
                        .seconds = std::chrono::seconds(5),
                        .ended_s = 1'700'000'100};
  const auto status = FinalStatus(Example(), summary, kExitSomeFailed);
  EXPECT_EQ(status.state, RunState::kFailed);
  EXPECT_EQ(status.found, 10u);
  EXPECT_EQ(status.uploaded, 8u);
  EXPECT_EQ(status.cancelled, 0u);
  EXPECT_EQ(status.updated_s, 1'700'000'100);
  EXPECT_EQ(status.in_flight, 0);
  EXPECT_EQ(status.waiting_for, "");
  EXPECT_DOUBLE_EQ(status.bytes_per_s, 100);
  EXPECT_DOUBLE_EQ(status.inputs_per_s, 1.2);
  EXPECT_EQ(status.exit_status, 1);
  EXPECT_TRUE(status.complete);
}

TEST(LiveStatusTest, TheStateFollowsFromTheExitStatus) {
  const Summary all{.source_exhausted = true};
  EXPECT_EQ(FinalStatus({}, all, kExitOk).state, RunState::kFinished);
  EXPECT_EQ(FinalStatus({}, {}, kExitStopped).state, RunState::kStopped);
  EXPECT_EQ(FinalStatus({}, {}, kExitInterrupted).state, RunState::kStopped);
  EXPECT_FALSE(FinalStatus({}, {}, kExitStopped).complete);
  for (const auto status : {kExitSomeFailed, kExitNoInput, kExitBroken, kExitJournal, kExitRefused}) {
    EXPECT_EQ(FinalStatus({}, all, status).state, RunState::kFailed);
  }
}

}  // namespace live_status_test
}  // namespace pipeline
