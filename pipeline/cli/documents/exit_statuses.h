// The exit statuses in words, for the manual.
#pragma once

#include <span>

#include "pipeline/report/summary.h"

namespace cli {

struct ExitStatusText {
  pipeline::ExitStatus status;
  const char* meaning;
  const char* next;  // what the user should do; empty if nothing
};

// Returns all of them, in ascending order. The words are those of README.md.
std::span<const ExitStatusText> ExitStatuses();

}  // namespace cli
