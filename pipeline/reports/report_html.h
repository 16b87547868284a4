// A report as one HTML page that needs no script and no other file. Pure functions.
//
// The page has at most about 400 KB, whatever the number of results: each list in it is bounded, and each
// text from a journal is cut off.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/reports/report_data.h"
#include "pipeline/reports/timeline.h"

namespace pipeline {

// `now_s`: seconds since 1970.
std::string ReportHtml(const ReportData& data, const Timeline& timeline, std::int64_t now_s);

// Returns recorded settings without the check digits of hidden values, because a report may be shown to more
// people than a journal.
std::string WithoutCheckDigits(const std::string& settings);

}  // namespace pipeline
