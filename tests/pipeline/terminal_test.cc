// What reaches a terminal: through the console, and by itself.
#include "pipeline/terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "pipeline/console.h"
#include "s3/printable.h"
#include "tests/support/support.h"

namespace pipeline {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Everything at once that a name or a message can bring along.
const std::string kHostile =
    "a\x1b[2J\r\nfake: line\xc2\x9b"
    "31m\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xff\\";
constexpr const char* kShown = "a\\x1b[2J\\x0d\\x0afake: line\\u{9B}31m\\u{202E}\\u{2066}\\u{2028}\\xff";

class TerminalTest : public testing::Test {
 protected:
  std::string Written() {
    std::fflush(file_.get());
    return std::string(text_, size_);
  }
  // One line a call, and nothing in it that is not shown.
  void ExpectHarmless(std::size_t lines) {
    const auto text = Written();
    EXPECT_EQ(test::Lines(text).size(), lines) << text;
    for (const auto& line : test::Lines(text)) {
      for (std::string_view rest = line; !rest.empty();) {
        const auto [code, bytes] = s3::FirstCharacter(rest);
        ASSERT_GT(bytes, 0u) << text;
        ASSERT_FALSE(s3::IsHidden(code)) << text;
        rest.remove_prefix(bytes);
      }
    }
  }
  ~TerminalTest() override {
    file_.reset();
    std::free(text_);
  }

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::unique_ptr<std::FILE, Close> file_{open_memstream(&text_, &size_)};
};

TEST_F(TerminalTest, ALineIsOneLine) {
  PrintLine(file_.get(), kHostile);
  EXPECT_EQ(Written(), std::string(kShown) + "\\\n");
}

TEST_F(TerminalTest, LinesOfOurOwnStay) {
  PrintLines(file_.get(), "one\ntwo\tand " + s3::Printable(kHostile) + "\n\nlast");
  EXPECT_EQ(Written(), "one\ntwo\\x09and " + std::string(kShown) + "\\\\\n\nlast\n");
}

TEST_F(TerminalTest, NothingThatTheConsoleShowsDrivesIt) {
  const Progress progress;
  ReportOptions options;
  options.progress = ProgressStyle::kNone;
  options.log = LogLevel::kObjects;
  ObjectResult result;
  result.file = std::make_shared<InputFile>(InputFile{.path = kHostile, .key = kHostile});
  result.reason = kHostile;
  result.error = s3::Error{.kind = s3::ErrorKind::kTransient, .message = kHostile, .code = kHostile};
  {
    Console console(options, &progress, file_.get());
    console.Start(*result.file);
    console.Retry(*result.file, {.attempt = 1, .max_attempts = 2, .delay = {}, .error = *result.error});
    for (const auto outcome :
         {Outcome::kUploaded, Outcome::kSkipped, Outcome::kFailed, Outcome::kCancelled}) {
      result.outcome = outcome;
      console.Settled(result);
    }
    console.Note(kHostile);
  }
  ExpectHarmless(7);
  EXPECT_THAT(Written(), StartsWith("start   " + std::string(kShown) + "\\\\\n"));
  EXPECT_THAT(Written(), HasSubstr("done    " + std::string(kShown) + "\\\\ -> " + kShown + "\\\\: "));
}

}  // namespace
}  // namespace pipeline
