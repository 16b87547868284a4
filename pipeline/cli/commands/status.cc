#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/job_loading.h"
#include "pipeline/cli/output.h"
#include "pipeline/report/terminal.h"
#include "pipeline/status/status_text.h"

namespace cli {
namespace {

constexpr std::chrono::seconds kPeriod{2};
constexpr int kOtherRows = 12;  // lines beside the rows of the table

pipeline::Screen ScreenOf(bool watch) {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  const int rows = watch ? std::max(3, size.ws_row - kOtherRows) : 0;
  return {.columns = size.ws_col, .rows = size.ws_row > 0 ? rows : 0};
}

void Show(const pipeline::StatusReport& report, const StatusArguments& arguments) {
  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  if (arguments.json) {
    return pipeline::PrintLines(stdout, StatusReportJson(report, arguments.watch ? -1 : 2));
  }
  if (arguments.watch && is_terminal) pipeline::ClearScreen(stdout);
  pipeline::PrintLines(stdout, StatusText(report, ScreenOf(arguments.watch)));
  if (arguments.watch && !is_terminal) pipeline::PrintLine(stdout, "");
}

}  // namespace

CommandResult Status(const StatusArguments& arguments) {
  if (access(arguments.directory.c_str(), F_OK) != 0) {
    return Fail(pipeline::kExitNoInput, arguments.directory + ": " + std::strerror(errno));
  }
  const auto directory =
      pipeline::OwnDir::Open(pipeline::AbsolutePath(arguments.directory), TrustOf(arguments.trust_dir));
  if (!directory) return Fail(pipeline::kExitJournal, directory.error().message);
  for (;;) {
    const auto report = pipeline::ReadStatus(*directory, directory->FileSystemTime());
    if (!report) return Fail(report.error());
    Show(*report, arguments);
    const bool is_last = !arguments.watch || !report->IsInProgress();
    if (is_last || pipeline::StdoutProblem() != 0) return UnlessStdoutFailed(report->Status());
    std::this_thread::sleep_for(kPeriod);
  }
}

}  // namespace cli
