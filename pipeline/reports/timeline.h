// The numbers of all runs of a report over time, for charts. Values; pure functions, except ReadTimeline().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pipeline/reports/run_records.h"

namespace pipeline {

// Equal intervals of time; only the last one may be up to half as long again, or half as long. Each list has
// one value for each interval.
struct Timeline {
  double interval_s = 0;                           // the length of one interval; 0: there is no data
  std::vector<double> bytes_per_s, objects_per_s;  // done
  std::vector<double> retries_per_s, failures_per_s;
  std::vector<double> in_flight;                           // requests, on average
  std::map<std::string, std::vector<double>> slot_shares;  // by state: slots in this state, on average

  double seconds() const { return interval_s * static_cast<double>(bytes_per_s.size()); }
};

inline constexpr std::size_t kTimelineIntervals = 120;

// Adds up the series of all runs. Runs are placed by the times when their sessions started; those whose start
// is unknown are left out. `series_of` returns the series of a run. It is called twice for each run, so that
// only one series is in memory.
Timeline TimelineOf(const std::vector<RunRecords>& runs,
                    const std::function<std::vector<SessionPoint>(const RunRecords&)>& series_of);
// Reads series.jsonl of each run. Blocks.
Timeline ReadTimeline(const std::vector<RunRecords>& runs);

}  // namespace pipeline
