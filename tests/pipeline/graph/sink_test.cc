#include "pipeline/graph/sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/support.h"

namespace pipeline {
namespace sink_test {

using testing::HasSubstr;

class SinkTest : public testing::Test {
 protected:
  void Record(Sink* sink, Outcome outcome, std::optional<s3::Error> error = std::nullopt) {
    ObjectResult result;
    InputFile file;
    file.path = file.key = "f" + std::to_string(recorded_++);
    result.file = std::make_shared<const InputFile>(std::move(file));
    result.outcome = outcome;
    result.error = std::move(error);
    sink->Record(result);
  }
  void Upload(Sink* sink) { Record(sink, Outcome::kUploaded); }
  void Fail(Sink* sink) {
    Record(sink, Outcome::kFailed, s3::Error{.kind = s3::ErrorKind::kLocal, .message = "broken"});
  }
  void Refuse(Sink* sink, int times = 1) {
    for (int i = 0; i < times; ++i) {
      Record(sink, Outcome::kFailed,
             s3::Error{.kind = s3::ErrorKind::kAccessDenied, .message = "no", .code = "Denied"});
    }
  }
  Sink MakeSink(const FailureLimit& failures = {}) {
    return {journal_.get(), &console_, &progress_, &stop_, failures};
  }

  test::TempDir directory_;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> null_{std::fopen("/dev/null", "w"), std::fclose};
  std::unique_ptr<Journal> journal_ =
      Journal::Open(OwnDir::Open(directory_.path()).value(), 0, nullptr).value();
  Progress progress_;
  Console console_{{.progress = ProgressStyle::kNone}, &progress_, null_.get()};
  StopControl stop_;
  int recorded_ = 0;
};

TEST_F(SinkTest, RecordsEachResultInTheJournalAndTheCounts) {
  auto sink = MakeSink();
  Upload(&sink);
  Fail(&sink);
  EXPECT_EQ(test::Lines(test::ReadAll(directory_ / "journal.jsonl")).size(), 2u);
  EXPECT_EQ(sink.summary().uploaded, 1u);
  EXPECT_EQ(sink.summary().failed, 1u);
  EXPECT_EQ(progress_.done, 2u);
  EXPECT_EQ(progress_.failed, 1u);
  EXPECT_EQ(progress_.uploaded, 1u);
  EXPECT_EQ(progress_.skipped + progress_.cancelled + progress_.sent, 0u);
  EXPECT_FALSE(stop_.cause());
}

TEST_F(SinkTest, StopsAtTheNumberOfFailures) {
  auto sink = MakeSink({.count = 2});
  Fail(&sink);
  EXPECT_FALSE(stop_.cause());
  Fail(&sink);
  EXPECT_EQ(stop_.cause(), StopCause::kTooManyFailures);
  EXPECT_THAT(stop_.message(), HasSubstr("2 inputs failed: limits.on_failure"));
}

TEST_F(SinkTest, StopsAtTheShareOfFailuresOnceThereAreEnoughResults) {
  auto sink = MakeSink({.share = 0.01});
  for (std::uint64_t i = 2; i < FailureLimit::kMinDone; ++i) Upload(&sink);
  Fail(&sink);
  EXPECT_FALSE(stop_.cause()) << "too few results to judge by";
  Fail(&sink);
  EXPECT_EQ(stop_.cause(), StopCause::kTooManyFailures);
  EXPECT_THAT(stop_.message(), HasSubstr("2.0 % of the inputs failed"));
}

TEST_F(SinkTest, MissingCredentialsStopTheRunAtOnce) {
  auto sink = MakeSink();
  Record(&sink, Outcome::kCancelled, s3::Error{.kind = s3::ErrorKind::kNoCredentials, .message = "expired"});
  EXPECT_EQ(stop_.cause(), StopCause::kNoCredentials);
  EXPECT_THAT(stop_.message(), HasSubstr("expired"));
}

TEST_F(SinkTest, ManyRefusalsAndNoUploadStopTheRun) {
  auto sink = MakeSink();
  Refuse(&sink, Sink::kRefusalsBeforeStop - 1);
  EXPECT_FALSE(stop_.cause());
  Refuse(&sink);
  EXPECT_EQ(stop_.cause(), StopCause::kRefused);
  EXPECT_THAT(stop_.message(), HasSubstr("no [Denied] (first input: f0)"));
}

TEST_F(SinkTest, RefusalsOfSingleKeysDoNotStopTheRun) {
  auto sink = MakeSink();
  Upload(&sink);
  Refuse(&sink, 2 * Sink::kRefusalsBeforeStop);
  sink.End(0);
  EXPECT_FALSE(stop_.cause());
}

TEST_F(SinkTest, ARunOfAFewInputsIsRefusedWhenAllOfThemAre) {
  auto sink = MakeSink();
  Refuse(&sink, 2);
  sink.End(0);
  EXPECT_EQ(stop_.cause(), StopCause::kRefused);
}

TEST_F(SinkTest, ARunIsNotRefusedWhenEarlierSessionsHaveDoneInputs) {
  auto sink = MakeSink();
  Refuse(&sink, 2);
  sink.End(1);
  EXPECT_FALSE(stop_.cause());
}

}  // namespace sink_test
}  // namespace pipeline
