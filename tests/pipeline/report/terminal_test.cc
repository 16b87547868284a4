// Lines for a terminal, and pipes whose readers are slow.
#include "pipeline/report/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "tests/support/memory_stream.h"

namespace pipeline {
namespace terminal_test {

using test::kHostile;
using test::kShown;

TEST(TerminalTest, ALineStaysOneLine) {
  const test::MemoryStream out;
  PrintLine(out.file(), kHostile);
  EXPECT_EQ(out.Written(), kShown + "\\\n");
}

TEST(TerminalTest, CharactersOfOtherScriptsStay) {
  const test::MemoryStream out;
  PrintLine(out.file(), "caf\xc3\xa9 \xe6\x96\x87");
  EXPECT_EQ(out.Written(), "caf\xc3\xa9 \xe6\x96\x87\n");
}

TEST(TerminalTest, OurOwnLineEndsStay) {
  const test::MemoryStream out;
  PrintLines(out.file(), "one\ntwo\tand " + s3::Printable(kHostile) + "\n\nlast");
  EXPECT_EQ(out.Written(), "one\ntwo\\x09and " + kShown + "\\\\\n\nlast\n");
}

// The pipe takes 64 KiB at a time, and its reader comes late.
TEST(TerminalTest, ANonBlockingPipeGetsEverythingThatIsRead) {
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

}  // namespace terminal_test
}  // namespace pipeline
