#include "pipeline/report/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>

#include "s3/base/environment.h"
#include "s3/base/printable.h"
#include "s3/base/text.h"

namespace pipeline {
namespace {

constexpr int kPatienceMs = 1000;

std::atomic<int> stdout_problem = 0;

// Waits until the non-blocking descriptor accepts more bytes. Returns false after kPatienceMs. After such a
// failure, later calls return false at once, until the reader reads again, because no upload may wait for a
// terminal.
bool WaitForReader(int fd) {
  static std::atomic<bool> last_wait_failed = false;
  pollfd polled{fd, POLLOUT, 0};
  int ready;
  do ready = poll(&polled, 1, last_wait_failed ? 0 : kPatienceMs);
  while (ready < 0 && errno == EINTR);
  last_wait_failed = ready == 0;
  return ready > 0;
}

// A terminal that was stopped with Ctrl-S would block the write.
bool MayBlock(int fd) { return fd == STDERR_FILENO && isatty(fd) == 1; }

// Returns 0, or the errno of the write that failed. Writes to the descriptor, because a FILE drops its buffer
// after a failed write and does not say how much was lost.
int WriteText(int fd, std::string_view text) {
  if (MayBlock(fd) && !WaitForReader(fd)) return EAGAIN;
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      if (!WaitForReader(fd)) return EAGAIN;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void Write(std::FILE* out, const std::string& text) {
  std::fflush(out);
  const int fd = fileno(out);
  if (fd < 0) {  // a stream in memory
    std::fwrite(text.data(), 1, text.size(), out);
    std::fflush(out);
    return;
  }
  const int problem = WriteText(fd, text);
  int none = 0;
  if (problem != 0 && out == stdout) stdout_problem.compare_exchange_strong(none, problem);
}

}  // namespace

void PrintLine(std::FILE* out, std::string_view line, Color color) {
  auto shown = s3::PrintableLine(line) + "\n";
  if (color != Color::kNone) {
    shown.insert(shown.find_first_of(" \n"), "\x1b[0m");
    shown.insert(0, color == Color::kRed ? "\x1b[31m" : "\x1b[33m");
  }
  Write(out, shown);
}

int AppendLine(int fd, std::string_view line) { return WriteText(fd, s3::PrintableLine(line) + "\n"); }

bool WriteControl(std::FILE* out, std::string_view text, Patience patience) {
  const int fd = fileno(out);
  if (patience == Patience::kNone && fd >= 0) {
    pollfd polled{fd, POLLOUT, 0};
    if (poll(&polled, 1, 0) != 1) return false;
  }
  Write(out, std::string(text));
  return true;
}

bool IsSmartTerminal(std::FILE* out) {
  const auto term = s3::ProcessEnvironment()("TERM");
  return isatty(fileno(out)) == 1 && term && !term->empty() && *term != "dumb";
}

void PrintLines(std::FILE* out, std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    shown += s3::PrintableLine(line) + "\n";
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  Write(out, shown);
}

bool WriteDocument(std::string_view bytes) {
  if (isatty(STDOUT_FILENO) == 1) {
    PrintLines(stdout, bytes);
  } else {
    Write(stdout, std::string(bytes));
  }
  return stdout_problem == 0;
}

void ClearScreen(std::FILE* out) { Write(out, "\x1b[H\x1b[J"); }

void PrintNote(std::string_view text) { PrintLine(stderr, "note    " + std::string(text)); }

int StdoutProblem() { return stdout_problem; }

}  // namespace pipeline
