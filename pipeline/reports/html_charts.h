// Charts as inline SVG. Each has a title and a description for screen readers. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pipeline {

enum class ChartUnit { kBytesPerSecond, kPerSecond, kCount };

// One curve over time. `values`: one for each interval of `interval_s` seconds.
struct LineChart {
  std::string title;
  ChartUnit unit = ChartUnit::kCount;
  double interval_s = 1;
  std::vector<double> values;
};
std::string Render(const LineChart& chart);

// Areas on top of each other, by name. The largest ones keep their names; the others become one area.
struct StackedChart {
  std::string title;
  double interval_s = 1;
  std::map<std::string, std::vector<double>> areas;
};
std::string Render(const StackedChart& chart);

// One bar for each run. Times are in s since 1970.
struct Lane {
  std::string name, state;
  std::int64_t begin_s = 0, end_s = 0;
};
struct LanesChart {
  std::string title;
  std::vector<Lane> lanes;
};
std::string Render(const LanesChart& chart);

// Returns the distance of the marks of an axis up to `max`: 1, 2 or 5 times a power of ten, at most 7 marks.
double MarkDistance(double max);

}  // namespace pipeline
