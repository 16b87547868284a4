// What commands write to stdout and stderr. Every line is fit for a terminal, see pipeline/report/terminal.h.
#pragma once

#include <string_view>

#include "config/job.h"
#include "pipeline/cli/exit_error.h"
#include "pipeline/run/run.h"

namespace cli {

// Writes one line to stdout.
void Say(std::string_view line);

// Writes one line to stderr: "s3flow: TEXT".
void PrintError(std::string_view text);

// Writes to stderr which settings of the environment or of AWS's files are not used. Call it once per
// command.
void PrintNotes(const config::Job& job);

// Writes the end of a run: the summary, where the records are, how to resume the run, and why it stopped. A
// rehearsal cannot be resumed: its store is gone.
void PrintRunResult(const pipeline::RunResult& run, const pipeline::StopControl& stop,
                    pipeline::RunKind kind);

// Returns `status`, for a command whose product is what it printed: a success becomes an error (74) if stdout
// did not take all of it.
CommandResult UnlessStdoutFailed(pipeline::ExitStatus status);

}  // namespace cli
