#include "pipeline/timing/series.h"

#include <fmt/format.h>

#include <utility>

namespace pipeline {
namespace {

// Returns the point of both intervals. `later` follows `earlier`.
SeriesPoint Joined(const SeriesPoint& earlier, SeriesPoint later) {
  for (std::size_t i = 0; i < s3::kSlotStates; ++i) {
    later.slot_seconds.values[i] += earlier.slot_seconds.values[i];
  }
  return later;
}

}  // namespace

std::string SeriesLine(const SeriesPoint& point) {
  std::string slots;
  for (std::size_t i = 0; i < s3::kSlotStates; ++i) {
    const double seconds = point.slot_seconds.values[i];
    if (seconds < 0.0005) continue;
    slots += fmt::format("{}\"{}\":{:.3f}", slots.empty() ? "" : ",",
                         s3::NameOf(static_cast<s3::SlotState>(i)), seconds);
  }
  return fmt::format(
      R"({{"t":{:.3f},"done":{},"done_bytes":{},"failed":{},"retries":{},"in_flight":{},"slots":{{{}}}}})"
      "\n",
      point.t, point.done, point.done_bytes, point.failed, point.retries, point.in_flight, slots);
}

Series::Change Series::Add(const SeriesPoint& sample) {
  pending_ = samples_ == 0 ? sample : Joined(pending_, sample);
  if (++samples_ < samples_per_point_) return Change::kNone;
  return Finish();
}

Series::Change Series::Finish() {
  if (std::exchange(samples_, 0) == 0) return Change::kNone;
  return Append(pending_);
}

Series::Change Series::Append(const SeriesPoint& point) {
  points_.push_back(point);
  if (points_.size() <= max_points_) return Change::kAppended;
  std::vector<SeriesPoint> merged;
  for (std::size_t i = 0; i < points_.size(); i += 2) {
    merged.push_back(i + 1 < points_.size() ? Joined(points_[i], points_[i + 1]) : points_[i]);
  }
  points_ = std::move(merged);
  samples_per_point_ *= 2;
  return Change::kMerged;
}

std::string Series::Text() const {
  std::string text;
  for (const auto& point : points_) text += SeriesLine(point);
  return text;
}

}  // namespace pipeline
