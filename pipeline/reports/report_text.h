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

// Returns what the reader of any report must know: that it is one of a rehearsal, and which runs go on, have
// work left or have damaged files. One line for each.
std::vector<std::string> ReportNotes(const ReportScope& scope);

}  // namespace pipeline
