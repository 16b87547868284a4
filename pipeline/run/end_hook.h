// Runs the command that the job wants to be run at the end of a run (report.on_end).
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "pipeline/options.h"
#include "pipeline/run/run.h"

namespace pipeline {

// Runs `report.on_end`, if the job has it and the run has records. Uses no shell. The command gets the
// environment of this process, and variables that begin with S3FLOW_ (see the .cc file). Its stdout and
// stderr go to this process's stderr. Blocks until the command has ended. Ends the command when
// `report.on_end_timeout` has passed, or when a stop is requested during the call. If the command fails,
// calls `note` once; there is no other effect.
void RunEndHook(const ReportOptions& report, const RunResult& run, std::stop_token stop,
                const std::function<void(std::string_view)>& note);

}  // namespace pipeline
