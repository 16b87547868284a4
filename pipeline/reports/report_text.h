// A report as text for a person, and as JSON. Pure functions.
#pragma once

#include <string>

#include "pipeline/reports/report_data.h"

namespace pipeline {

// Returns the lines that `run` prints at its end, for all sessions and runs together. The first line says so
// if a run has not ended or was killed.
std::string ReportText(const ReportData& data);

// Returns one JSON document. A key that summary.json has, too, has the same meaning, for all sessions and
// runs together.
std::string ReportJson(const ReportData& data);

// Returns warnings for the reader of a report in any format, one line each: that the run was a rehearsal,
// which runs have not ended or have work left, which files are damaged, and what else the report lacks or
// lists twice.
std::vector<std::string> ReportNotes(const ReportScope& scope);

}  // namespace pipeline
