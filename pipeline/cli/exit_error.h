// How a command fails: an exit status, and the lines that say why. main() prints them.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/job.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/report/summary.h"

namespace cli {

struct ExitError {
  pipeline::ExitStatus status = pipeline::kExitBroken;
  std::string lines;  // for stderr: escaped for a terminal, each ends in a newline

  void AddLine(std::string_view text);
};

// A command's exit status, or its error. A status other than 0 without an error is possible: for example, a
// run with failed objects has already printed its summary.
using CommandResult = tl::expected<pipeline::ExitStatus, ExitError>;

// Return an error with one line: "s3flow: MESSAGE".
tl::unexpected<ExitError> Fail(pipeline::ExitStatus status, std::string_view message);
tl::unexpected<ExitError> Fail(const pipeline::Refusal& refusal);
// Returns an error with one line for each mistake in a file: "job.yaml:3:5: ...".
tl::unexpected<ExitError> Fail(pipeline::ExitStatus status, const std::vector<config::Problem>& problems);

}  // namespace cli
