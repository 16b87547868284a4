// The numbers of a session over time: the content of series.jsonl. Values; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "s3/base/slot_time.h"

namespace pipeline {

inline constexpr char kSeriesName[] = "series.jsonl";         // name in a run directory
inline constexpr std::string_view kSeriesBegin = R"({"t":)";  // of each series.jsonl

// One line of the series. The counts are of this session, since its beginning.
struct SeriesPoint {
  double t = 0;  // seconds since the session began: the end of the interval
  std::uint64_t done = 0, done_bytes = 0, failed = 0, retries = 0;
  int in_flight = 0;                     // requests with data, at `t`
  s3::BySlotState<double> slot_seconds;  // within the interval
};

// Returns the line, with a newline at its end. Leaves out states without slot-seconds.
std::string SeriesLine(const SeriesPoint& point);

// Keeps at most `max_points` points. When there are more, each pair of neighbours becomes one point, and from
// then on each point covers twice as many samples. Not thread-safe.
class Series {
 public:
  static constexpr std::size_t kMaxPoints = 3600;

  explicit Series(std::size_t max_points = kMaxPoints) : max_points_(max_points) {}

  // kNone: the sample will be part of the next point. kAppended: the last point is new. kMerged: all points
  // have changed.
  enum class Change { kNone, kAppended, kMerged };
  // Adds the sample of one more second.
  Change Add(const SeriesPoint& sample);
  // Call it after the last sample. Appends one point for the samples that no point covers yet. Returns kNone
  // if all samples are covered.
  Change Finish();

  const std::vector<SeriesPoint>& points() const { return points_; }
  std::string Text() const;

 private:
  Change Append(const SeriesPoint& point);

  const std::size_t max_points_;
  std::vector<SeriesPoint> points_;
  SeriesPoint pending_;
  int samples_ = 0;  // in pending_
  int samples_per_point_ = 1;
};

}  // namespace pipeline
