#include "pipeline/cli/output.h"

#include <fmt/format.h>

#include "pipeline/fs/files.h"
#include "pipeline/report/terminal.h"

namespace cli {

void Say(std::string_view line) { pipeline::PrintLine(stdout, line); }

void PrintError(std::string_view text) { pipeline::PrintLine(stderr, fmt::format("s3flow: {}", text)); }

void PrintNotes(const config::Job& job) {
  for (const auto& note : job.notes) PrintError("note: " + note);
}

void PrintRunResult(const pipeline::RunResult& run, const pipeline::StopControl& stop, pipeline::LogLevel log,
                    const std::string& command, const std::string& stdin_note) {
  if (log == pipeline::LogLevel::kQuiet && run.status == pipeline::kExitOk) return;
  const bool found_any = run.summary.found > 0;
  if (found_any) {
    pipeline::PrintLines(stdout, pipeline::HumanSummary(run.summary, stop.cause()));
    Say(fmt::format("records: {}", run.run_dir));
  }
  const bool stopped = run.status == pipeline::kExitStopped || run.status == pipeline::kExitInterrupted;
  const bool is_resumable = !command.empty();
  if (is_resumable && found_any && run.summary.WorkLeft() && run.status != pipeline::kExitRefused) {
    Say(fmt::format("to resume: {}{}", command, stdin_note));
  } else if (is_resumable && run.status == pipeline::kExitSomeFailed) {
    Say(fmt::format("to try the failed inputs again: {} --resume{}", command, stdin_note));
  }
  if (stopped && !is_resumable) Say("a rehearsal cannot be resumed: rehearse again");
  if (!run.message.empty()) PrintError(run.message);
}

CommandResult UnlessStdoutFailed(pipeline::ExitStatus status) {
  const int problem = pipeline::StdoutProblem();
  if (problem == 0 || status != pipeline::kExitOk) return status;
  return Fail(pipeline::kExitJournal,
              pipeline::ErrnoError("standard output cannot be written", problem).message);
}

}  // namespace cli
