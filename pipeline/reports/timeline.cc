#include "pipeline/reports/timeline.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace pipeline {
namespace {

constexpr double kRounding = 1e-3;              // seconds
constexpr std::size_t kMaxTimelineStates = 64;  // a hostile file may name others in each line

// Distributes `amount` over the intervals that [begin_s, end_s) covers.
void Spread(double begin_s, double end_s, double amount, double interval_s, std::vector<double>* values) {
  const double length = end_s - begin_s;
  if (length <= 0 || amount <= 0) return;
  const auto last = values->size() - 1;
  const auto first =
      static_cast<std::size_t>(std::clamp(begin_s / interval_s, 0.0, static_cast<double>(last)));
  for (auto i = first; i <= last; ++i) {
    const double left = std::max(begin_s, static_cast<double>(i) * interval_s);
    const double right = i == last ? end_s : std::min(end_s, static_cast<double>(i + 1) * interval_s);
    if (right <= left) break;
    (*values)[i] += amount * (right - left) / length;
  }
}

// Adds one run, whose session began at `offset_s`, up to `end_s`.
void AddSeries(const std::vector<SessionPoint>& series, double offset_s, double end_s, Timeline* timeline) {
  SessionPoint before;
  for (const auto& point : series) {
    if (offset_s + point.t_s > end_s + kRounding) return;
    const double begin = offset_s + before.t_s, end = offset_s + point.t_s;
    const auto spread = [&](double amount, std::vector<double>* values) {
      Spread(begin, end, amount, timeline->interval_s, values);
    };
    spread(point.done_bytes - before.done_bytes, &timeline->bytes_per_s);
    spread(point.done - before.done, &timeline->objects_per_s);
    spread(point.retries - before.retries, &timeline->retries_per_s);
    spread(point.failed - before.failed, &timeline->failures_per_s);
    spread(point.in_flight * (end - begin), &timeline->in_flight);
    for (const auto& [state, seconds] : point.slot_seconds) {
      auto& shares = timeline->slot_shares;
      if (shares.size() >= kMaxTimelineStates && !shares.contains(state)) continue;
      auto& values = shares[state];
      values.resize(timeline->bytes_per_s.size());
      spread(seconds, &values);
    }
    before = point;
  }
}

}  // namespace

Timeline TimelineOf(const std::vector<RunRecords>& runs,
                    const std::function<std::vector<SessionPoint>(const RunRecords&)>& series_of) {
  Timeline timeline;
  const auto is_placed = [](const RunRecords& run) { return !run.is_plan && run.StartedAt() > 0; };
  std::optional<std::int64_t> first;
  double end_s = 0;  // since 1970
  for (const auto& run : runs) {
    const auto series = is_placed(run) ? series_of(run) : std::vector<SessionPoint>();
    if (series.empty()) continue;
    const auto start = run.StartedAt();
    first = std::min(first.value_or(start), start);
    end_s = std::max(end_s, static_cast<double>(start) + series.back().t_s);
  }
  const double end = end_s - static_cast<double>(first.value_or(0));  // since the first start
  if (end <= 0) return timeline;
  // An interval of a second at least, because the series have one point for each second.
  const double seconds = std::max(1.0, std::ceil(end / static_cast<double>(kTimelineIntervals)));
  timeline.interval_s = seconds;
  // The last interval also covers the rest, which may be shorter than an interval.
  const auto count =
      std::clamp<std::size_t>(static_cast<std::size_t>(std::lround(end / seconds)), 1, kTimelineIntervals);
  const double last_s = end - seconds * static_cast<double>(count - 1);
  const auto lists = {&timeline.bytes_per_s, &timeline.objects_per_s, &timeline.retries_per_s,
                      &timeline.failures_per_s, &timeline.in_flight};
  for (auto* values : lists) values->assign(count, 0.0);
  for (const auto& run : runs) {
    if (!is_placed(run)) continue;
    // A running run may have written more since the first pass.
    AddSeries(series_of(run), static_cast<double>(run.StartedAt() - *first), end, &timeline);
  }
  const auto to_rates = [&](std::vector<double>* values) {
    for (auto& value : *values) value /= &value == &values->back() ? last_s : seconds;
  };
  for (auto* values : lists) to_rates(values);
  for (auto& [state, values] : timeline.slot_shares) to_rates(&values);
  return timeline;
}

Timeline ReadTimeline(const std::vector<RunRecords>& runs) {
  return TimelineOf(runs, [](const RunRecords& run) { return ReadSeries(run.directory); });
}

}  // namespace pipeline
