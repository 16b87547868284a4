// Runs the command that the job wants to be run at the end of a run (report.on_end).
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "pipeline/options.h"
#include "pipeline/run/run.h"

namespace pipeline {

// Runs `report.on_end`, if the job has it and the run has records. Without a shell, with the environment of
// this process and variables that begin with S3FLOW_ (see the .cc file). Its stdout and stderr go to this
// process's stderr. Blocks until the command has ended, `report.on_end_timeout` has passed, or a stop is
// requested that had not been requested at the call. If the command fails, calls `note` once; there is no
// other effect.
void RunEndHook(const ReportOptions& report, const RunResult& run, std::stop_token stop,
                const std::function<void(std::string_view)>& note);

}  // namespace pipeline
