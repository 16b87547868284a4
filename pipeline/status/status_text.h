// The state of a run or of a job's shards as text for a person. Pure functions.
#pragma once

#include <string>

#include "pipeline/status/status_report.h"

namespace pipeline {

struct Screen {
  int columns = 0, rows = 0;  // 0: unlimited
};

// Returns a few lines, and for shards a table. If the screen is too small for the table, leaves out the
// columns and the shards that matter least.
std::string StatusText(const StatusReport& report, const Screen& screen);

}  // namespace pipeline
