// Writes the output of commands to stdout and stderr. Every line is escaped, see pipeline/report/terminal.h.
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

// Writes the job's notes to stderr, for example which settings of the environment or of AWS's files s3flow
// does not use. Call it once in each command.
void PrintNotes(const config::Job& job);

// Writes the end of a run: the summary, the place of the records, and why it stopped. If work is left or
// inputs have failed, writes `command`, the command that resumes the run. If `command` is empty, the run was
// a rehearsal, which cannot be resumed, because its store is gone. `stdin_note` follows the command. With
// LogLevel::kQuiet, writes nothing about a success.
void PrintRunResult(const pipeline::RunResult& run, const pipeline::StopControl& stop, pipeline::LogLevel log,
                    const std::string& command, const std::string& stdin_note = "");

// Returns `status`, or an error (74) if `status` is a success but some output could not be written to stdout.
// For commands whose only result is their output.
CommandResult UnlessStdoutFailed(pipeline::ExitStatus status);

}  // namespace cli
