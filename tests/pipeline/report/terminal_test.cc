// What reaches a terminal: through the console, and by itself.
#include "pipeline/report/terminal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "pipeline/report/console.h"
#include "s3/base/printable.h"
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

// A pipe that takes 64 KiB at a time, and whose reader comes late.
TEST(TerminalPipeTest, ANonBlockingPipeGetsAllThatIsRead) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(fdopen(ends[1], "w"), std::fclose);
  const std::string text(1 << 20, 'x');
  std::size_t read_bytes = 0;
  std::thread reader([&, in = ends[0]] {
    char chunk[4096];
    pollfd polled{in, POLLIN, 0};
    while (read_bytes < text.size() + 1 && poll(&polled, 1, 30'000) > 0)
      read_bytes += static_cast<std::size_t>(std::max<ssize_t>(read(in, chunk, sizeof chunk), 0));
  });
  PrintLine(out.get(), text);
  reader.join();
  close(ends[0]);
  EXPECT_EQ(read_bytes, text.size() + 1);
}

}  // namespace
}  // namespace pipeline
