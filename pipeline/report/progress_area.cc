#include "pipeline/report/progress_area.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "pipeline/report/terminal.h"

namespace pipeline {
namespace {

constexpr char kHideCursor[] = "\x1b[?25l", kShowCursor[] = "\x1b[?25h";
constexpr char kEraseToLineEnd[] = "\x1b[K", kEraseBelow[] = "\x1b[J";

// Signals that end or stop the process, except those that cli/signals.h always takes over. A signal that is
// taken over does not reach the handler.
constexpr int kSignals[] = {SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS,  SIGFPE,
                            SIGILL, SIGSYS,  SIGXCPU, SIGALRM, SIGUSR2, SIGTSTP};

std::atomic<int> hidden_on = -1;  // the descriptor of the terminal whose cursor is hidden; -1: none

// A signal handler: calls only functions that are safe in one (signal-safety(7)).
void ShowCursorAndGoOn(int number) {
  const int saved_errno = errno;  // the interrupted code may be about to read it
  const int fd = hidden_on;
  if (fd >= 0) {
    [[maybe_unused]] const auto written = write(fd, kShowCursor, sizeof kShowCursor - 1);
  }
  if (number == SIGTSTP) {
    raise(SIGSTOP);  // returns after SIGCONT; the next Draw() hides the cursor again
  } else {
    raise(number);  // the default action, because of SA_RESETHAND
  }
  errno = saved_errno;
}

void SetHandlers(bool on) {
  struct sigaction action {};
  action.sa_handler = on ? ShowCursorAndGoOn : SIG_DFL;
  for (const int number : kSignals) {
    const bool may_return = number == SIGTSTP;
    action.sa_flags = may_return ? SA_RESTART : static_cast<int>(SA_RESETHAND);
    struct sigaction present {};
    sigaction(number, nullptr, &present);
    const bool is_ours = present.sa_handler == ShowCursorAndGoOn;
    // A handler of the launcher or of a sanitizer stays.
    if (on ? present.sa_handler == SIG_DFL : is_ours) sigaction(number, &action, nullptr);
  }
}

}  // namespace

ProgressArea::ProgressArea(std::FILE* out) : out_(out) { SetHandlers(true); }

ProgressArea::~ProgressArea() {
  Erase();
  if (hidden_on.exchange(-1) >= 0) WriteControl(out_, kShowCursor, Patience::kWait);
  SetHandlers(false);
}

ProgressArea::Size ProgressArea::size() const {
  winsize window{};
  const int fd = fileno(out_);
  if (fd < 0 || ioctl(fd, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

// Returns the control sequence that moves the cursor to the first column of the first drawn line. A terminal
// that has become narrower has wrapped the lines.
std::string ProgressArea::BackToStart() const {
  const auto columns = size().columns;
  std::size_t rows = 0;
  for (const auto length : drawn_) rows += std::max<std::size_t>(1, (length + columns - 1) / columns);
  return rows > 1 ? fmt::format("\r\x1b[{}A", rows - 1) : "\r";
}

void ProgressArea::Draw(const std::vector<std::string>& lines) {
  std::string text = kHideCursor + BackToStart();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text.append(i > 0 ? "\r\n" : "").append(lines[i]).append(kEraseToLineEnd);
  }
  text += kEraseBelow;
  hidden_on = fileno(out_);
  if (!WriteControl(out_, text, Patience::kNone)) return;
  drawn_.clear();
  for (const auto& line : lines) drawn_.push_back(line.size());
}

void ProgressArea::Erase() {
  if (drawn_.empty()) return;
  WriteControl(out_, BackToStart() + kEraseBelow, Patience::kWait);
  drawn_.clear();
}

}  // namespace pipeline
