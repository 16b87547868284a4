// Which events of a run are shown, and how.
#include "pipeline/report/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/memory_stream.h"

namespace pipeline {
namespace console_test {

using test::kHostile;
using test::kShown;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr Outcome kOutcomes[] = {Outcome::kUploaded, Outcome::kSkipped, Outcome::kFailed,
                                 Outcome::kCancelled};

class ConsoleTest : public testing::Test {
 protected:
  ConsoleTest() { options_.progress = ProgressStyle::kNone; }

  static ObjectResult ResultOf(Outcome outcome, const std::string& path, const std::string& code = "Code") {
    ObjectResult result;
    result.file = std::make_shared<InputFile>(InputFile{.path = path, .key = path});
    result.outcome = outcome;
    result.attempts = 1;
    result.reason = "a reason";
    result.error = s3::Error{.kind = s3::ErrorKind::kPermanent, .message = "a message", .code = code};
    return result;
  }

  // Returns what was written, without the time stamps, which are a word at the beginning of each line.
  std::string Written() const {
    std::string text;
    for (const auto& line : test::Lines(out_.Written())) text += line.substr(line.find(' ') + 1) + "\n";
    return text;
  }

  const Progress progress_;
  ReportOptions options_;
  const test::MemoryStream out_;
};

TEST_F(ConsoleTest, OnlyFailuresAreShownByDefault) {
  {
    Console console(options_, &progress_, out_.file());
    console.Start({.path = "p"});
    console.Retry({.path = "p"}, {.attempt = 1, .max_attempts = 2, .delay = {}, .error = {}});
    for (const auto outcome : kOutcomes) console.Finish(ResultOf(outcome, "p"));
  }
  EXPECT_EQ(Written(), "failed  p: a message [Code]\n");
}

TEST_F(ConsoleTest, EveryEventIsShownWhenAsked) {
  options_.log = LogLevel::kObjects;
  {
    Console console(options_, &progress_, out_.file());
    console.Start({.path = "p"});
    for (const auto outcome : kOutcomes) console.Finish(ResultOf(outcome, "p"));
  }
  const auto text = Written();
  EXPECT_THAT(text, StartsWith("start   p\ndone    p -> p: 0 bytes, 1 attempt, 0.00 s\n"));
  EXPECT_THAT(text, HasSubstr("skipped p: a reason\n"));
  EXPECT_THAT(text, HasSubstr("cancel  p: a message [Code]\n"));
}

TEST_F(ConsoleTest, AfterSomeFailuresOnlyNewKindsAreShown) {
  {
    Console console(options_, &progress_, out_.file());
    for (std::uint64_t i = 0; i < Console::kMaxFailureLines + 5; ++i)
      console.Finish(ResultOf(Outcome::kFailed, "common"));
    console.Finish(ResultOf(Outcome::kFailed, "rare", "OtherCode"));
  }
  const auto text = Written();
  EXPECT_EQ(test::Lines(text).size(), Console::kMaxFailureLines + 2);
  EXPECT_THAT(text, HasSubstr("failed  rare: a message [OtherCode]\n"));
  EXPECT_THAT(text, HasSubstr("and 5 more failures: see journal.jsonl in the run directory\n"));
}

TEST_F(ConsoleTest, EveryFailureIsShownWhenAsked) {
  options_.log = LogLevel::kObjects;
  {
    Console console(options_, &progress_, out_.file());
    for (int i = 0; i < 50; ++i) console.Finish(ResultOf(Outcome::kFailed, "p"));
  }
  EXPECT_EQ(test::Lines(Written()).size(), 50u);
  EXPECT_THAT(Written(), Not(HasSubstr("more failures")));
}

TEST_F(ConsoleTest, NothingIsShownWhenQuiet) {
  options_.log = LogLevel::kQuiet;
  {
    Console console(options_, &progress_, out_.file());
    for (int i = 0; i < 50; ++i) console.Finish(ResultOf(Outcome::kFailed, "p"));
    console.Note("a note");
  }
  EXPECT_EQ(out_.Written(), "");
}

TEST_F(ConsoleTest, ARestartSaysWhy) {
  options_.log = LogLevel::kObjects;
  {
    Console console(options_, &progress_, out_.file());
    console.Restart({.path = "p"}, {.kind = s3::ErrorKind::kChanged, .message = "changed while it was read"});
  }
  EXPECT_EQ(Written(), "restart p: begins again, because: changed while it was read\n");
}

TEST_F(ConsoleTest, NoTextControlsTheTerminal) {
  options_.log = LogLevel::kObjects;
  auto result = ResultOf(Outcome::kFailed, kHostile, kHostile);
  result.reason = kHostile;
  result.error->message = kHostile;
  {
    Console console(options_, &progress_, out_.file());
    console.Start(*result.file);
    console.Retry(*result.file, {.attempt = 1, .max_attempts = 2, .delay = {}, .error = *result.error});
    for (const auto outcome : kOutcomes) {
      result.outcome = outcome;
      console.Finish(result);
    }
    console.Note(kHostile);
  }
  const auto text = Written();
  test::ExpectHarmless(text, 7);
  EXPECT_THAT(text, StartsWith("start   " + kShown + "\\\\\n"));
  EXPECT_THAT(text, HasSubstr("done    " + kShown + "\\\\ -> " + kShown + "\\\\: "));
}

}  // namespace console_test
}  // namespace pipeline
