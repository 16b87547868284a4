// The content of the page's sections: tables and lists of bounded length. Each function returns nothing if
// there is nothing to show. Pure functions.
#pragma once

#include <map>
#include <string>

#include "pipeline/reports/report_data.h"

namespace pipeline {

// Where the time of the slots went.
std::string SlotTable(const ReportData& data);
// The latencies of requests, by operation and size.
std::string LatencyTable(const ReportData& data);
// Uploaded objects by size.
std::string SizeTable(const ReportData& data);
// Inputs by number of attempts, and failures by kind.
std::string AttemptsTable(const ReportData& data);
std::string SlowestTable(const ReportData& data);
// The largest groups, each with its first paths.
std::string CausesHtml(const std::map<std::string, CauseDetails>& causes);
// A chart of the times of several runs. Nothing for one run.
std::string LanesHtml(const ReportData& data);
std::string RunsTable(const ReportData& data);
std::string EnvironmentTable(const ReportData& data);

}  // namespace pipeline
