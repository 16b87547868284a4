// The state of a run as metrics for monitoring systems: the file metrics.prom. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/report/live_status.h"

namespace pipeline {

inline constexpr char kMetricsName[] = "metrics.prom";                         // name in a run directory
inline constexpr std::string_view kMetricsBegin = "# TYPE s3flow_run info\n";  // of each metrics.prom

// Returns the content of metrics.prom, in the OpenMetrics text format.
// https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
std::string MetricsText(const LiveStatus& status);

}  // namespace pipeline
