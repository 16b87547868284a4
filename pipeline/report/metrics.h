// The state of a run as metrics for monitoring systems: the file metrics.prom. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/report/live_status.h"

namespace pipeline {

inline constexpr char kMetricsName[] = "metrics.prom";  // name in a run directory
inline constexpr std::string_view kMetricsBegin = "# TYPE s3flow_run_info gauge\n";  // of each metrics.prom

// Returns the content of metrics.prom. It is valid in two formats: OpenMetrics, and the older text format of
// Prometheus, which node_exporter's textfile collector and `promtool check metrics` read. All metrics are
// gauges: the two formats name counters differently, and only OpenMetrics has `info` and `stateset`.
// https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
std::string MetricsText(const LiveStatus& status);

}  // namespace pipeline
