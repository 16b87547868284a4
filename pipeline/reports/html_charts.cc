#include "pipeline/reports/html_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "pipeline/report/format.h"
#include "pipeline/reports/html_text.h"

namespace pipeline {
namespace {

// The size of a chart in its own units. A phone shows it a fifth smaller, and its text is still readable.
constexpr double kWidth = 480, kHeight = 210, kLeft = 84, kRight = 12, kTop = 10, kBottom = 26;
constexpr std::size_t kMaxAreas = 9;
constexpr double kSmallArea = 0.01;  // of all areas; a smaller one is not shown on its own
constexpr double kLaneHeight = 20;

struct Axes {
  double seconds = 1;
  double max = 1;

  double X(double t) const { return kLeft + (kWidth - kLeft - kRight) * t / seconds; }
  double Y(double value) const { return kHeight - kBottom - (kHeight - kTop - kBottom) * value / max; }
};

// The factor between the unit of the marks and the values.
double ScaleOf(ChartUnit unit, double max) {
  double scale = 1;
  if (unit == ChartUnit::kBytesPerSecond) {
    while (max / scale >= 1024) scale *= 1024;
  }
  return scale;
}

std::string ValueText(ChartUnit unit, double value) {
  if (unit == ChartUnit::kBytesPerSecond) {
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t power = 0;
    for (; value >= 1024 && power + 1 < std::size(kUnits); ++power) value /= 1024;
    return fmt::format("{:.3g} {}/s", value, kUnits[power]);
  }
  const auto number = value >= 1000 ? GroupedDigits(static_cast<std::uint64_t>(std::llround(value)))
                                    : fmt::format("{:.4g}", value);
  return unit == ChartUnit::kPerSecond ? number + "/s" : number;
}

// "0:30", "2:15:00"
std::string ClockText(double seconds) {
  const auto total = std::llround(seconds);
  if (total >= 3600) return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  return fmt::format("{}:{:02}", total / 60, total % 60);
}

double TimeMarkDistance(double seconds) {
  for (const double step :
       {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400}) {
    if (seconds / step <= 6) return step;
  }
  return std::ceil(seconds / 6 / 86400) * 86400;
}

std::string TimeAxis(const Axes& axes, double height) {
  std::string svg;
  const double step = TimeMarkDistance(axes.seconds);
  for (double t = 0; t <= axes.seconds; t += step) {
    const auto* const anchor = t == 0 ? "start" : axes.X(t) > kWidth - 30 ? "end" : "middle";
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", axes.X(t), height - 6,
                       anchor, ClockText(t));
  }
  return svg;
}

std::string ValueAxis(const Axes& axes, ChartUnit unit) {
  std::string svg;
  const double scale = ScaleOf(unit, axes.max);
  const double step = MarkDistance(axes.max / scale) * scale;
  for (double value = 0; value <= axes.max * 1.0001; value += step) {
    svg += fmt::format(
        "<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/><text x=\"{:.1f}\" y=\"{:.1f}\" "
        "text-anchor=\"end\">{}</text>",
        kLeft, axes.Y(value), kWidth - kRight, kLeft - 6, axes.Y(value) + 4, ValueText(unit, value));
  }
  return svg;
}

std::string Framed(const std::string& title, const std::string& description, double height,
                   const std::string& content) {
  return fmt::format(
      "<svg role=\"img\" viewBox=\"0 0 {:.0f} {:.0f}\" aria-label=\"{}\"><title>{}</title><desc>{}</desc>{}"
      "</svg>\n",
      kWidth, height, title, title, description, content);
}

// The points of a curve, each value in the middle of its interval; the first and the last one to the edges.
std::string Curve(const Axes& axes, double interval_s, const std::vector<double>& values) {
  auto path = fmt::format("{:.1f} {:.1f}", axes.X(0), axes.Y(values.front()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    path +=
        fmt::format("L{:.1f} {:.1f}", axes.X((static_cast<double>(i) + 0.5) * interval_s), axes.Y(values[i]));
  }
  return path + fmt::format("L{:.1f} {:.1f}", axes.X(axes.seconds), axes.Y(values.back()));
}

using NamedArea = std::pair<std::string, std::vector<double>>;

double Sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

// Returns the areas, the largest one first.
std::vector<NamedArea> LargestAreas(const StackedChart& chart) {
  std::vector<NamedArea> areas;
  for (const auto& area : chart.areas) {
    if (Sum(area.second) > 0) areas.push_back(area);
  }
  std::stable_sort(areas.begin(), areas.end(),
                   [](const auto& a, const auto& b) { return Sum(a.second) > Sum(b.second); });
  double sum = 0;
  for (const auto& area : areas) sum += Sum(area.second);
  std::size_t shown = 0;
  while (shown < std::min(areas.size(), kMaxAreas) && Sum(areas[shown].second) >= kSmallArea * sum) ++shown;
  if (areas.size() <= shown + 1) return areas;
  NamedArea others{"other", std::vector<double>(areas.front().second.size())};
  for (std::size_t i = shown; i < areas.size(); ++i) {
    for (std::size_t j = 0; j < others.second.size(); ++j) others.second[j] += areas[i].second[j];
  }
  areas.resize(shown);
  areas.push_back(std::move(others));
  return areas;
}

std::string AreaPath(const Axes& axes, double interval_s, const std::vector<double>& low,
                     const std::vector<double>& high) {
  auto path = "M" + Curve(axes, interval_s, high);
  path += fmt::format("L{:.1f} {:.1f}", axes.X(axes.seconds), axes.Y(low.back()));
  for (auto i = low.size(); i-- > 0;) {
    path +=
        fmt::format("L{:.1f} {:.1f}", axes.X((static_cast<double>(i) + 0.5) * interval_s), axes.Y(low[i]));
  }
  return path + fmt::format("L{:.1f} {:.1f}Z", axes.X(0), axes.Y(low.front()));
}

}  // namespace

double MarkDistance(double max) {
  if (max <= 0) return 1;
  const double power = std::pow(10, std::floor(std::log10(max)) - 1);
  for (const double factor : {1, 2, 5, 10, 20, 50, 100}) {
    if (max / (factor * power) <= 6) return factor * power;
  }
  return max;
}

std::string Render(const LineChart& chart) {
  if (chart.values.empty()) return "";
  const double max = *std::max_element(chart.values.begin(), chart.values.end());
  const Axes axes{.seconds = chart.interval_s * static_cast<double>(chart.values.size()),
                  .max = max > 0 ? max * 1.05 : 1};
  const double mean = Sum(chart.values) / static_cast<double>(chart.values.size());
  const auto curve = Curve(axes, chart.interval_s, chart.values);
  const auto content =
      ValueAxis(axes, chart.unit) + TimeAxis(axes, kHeight) +
      fmt::format(
          "<path class=\"under\" d=\"M{:.1f} {:.1f}L{}L{:.1f} {:.1f}Z\"/><path class=\"plot\" d=\"M{}\"/>",
          axes.X(0), axes.Y(0), curve, axes.X(axes.seconds), axes.Y(0), curve);
  const auto description =
      fmt::format("{} over {}: on average {}, at most {}.", chart.title, HumanDuration(axes.seconds),
                  ValueText(chart.unit, mean), ValueText(chart.unit, max));
  return Framed(chart.title, description, kHeight, content) +
         fmt::format("<p class=\"soft\">On average {}, at most {}.</p>\n", ValueText(chart.unit, mean),
                     ValueText(chart.unit, max));
}

std::string Render(const StackedChart& chart) {
  const auto areas = LargestAreas(chart);
  if (areas.empty()) return "";
  std::vector<double> total(areas.front().second.size());
  for (const auto& [name, values] : areas) {
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += values[i];
  }
  const double max = *std::max_element(total.begin(), total.end());
  const Axes axes{.seconds = chart.interval_s * static_cast<double>(total.size()), .max = max * 1.05};
  auto content = ValueAxis(axes, ChartUnit::kCount) + TimeAxis(axes, kHeight);
  std::string legend, description = chart.title + ": ";
  std::vector<double> low(total.size());
  for (std::size_t i = 0; i < areas.size(); ++i) {
    auto high = low;
    for (std::size_t j = 0; j < high.size(); ++j) high[j] += areas[i].second[j];
    const auto name = SlotStateHtml(areas[i].first);
    const auto share = fmt::format("{:.0f} %", 100 * Sum(areas[i].second) / Sum(total));
    content += fmt::format("<path fill=\"var(--c{})\" d=\"{}\"><title>{}: {}</title></path>", i,
                           AreaPath(axes, chart.interval_s, low, high), name, share);
    legend += fmt::format(
        "<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><rect width=\"12\" height=\"12\" rx=\"2\" "
        "fill=\"var(--c{})\"/></svg>{} {}</li>\n",
        i, name, share);
    description += fmt::format("{}{} {}", i > 0 ? ", " : "", name, share);
    low = std::move(high);
  }
  return Framed(chart.title, description, kHeight, content) + "<ul class=\"legend\">\n" + legend + "</ul>\n";
}

std::string Render(const LanesChart& chart) {
  if (chart.lanes.empty()) return "";
  auto begin = chart.lanes.front().begin_s, end = chart.lanes.front().end_s;
  for (const auto& lane : chart.lanes) {
    begin = std::min(begin, lane.begin_s);
    end = std::max(end, lane.end_s);
  }
  const Axes axes{.seconds = std::max(1.0, static_cast<double>(end - begin))};
  const double height = kLaneHeight * static_cast<double>(chart.lanes.size()) + kTop + kBottom;
  auto content = TimeAxis(axes, height);
  for (std::size_t i = 0; i < chart.lanes.size(); ++i) {
    const auto& lane = chart.lanes[i];
    const double x = axes.X(static_cast<double>(lane.begin_s - begin));
    const double width = axes.X(static_cast<double>(lane.end_s - begin)) - x;
    const double y = kTop + kLaneHeight * static_cast<double>(i);
    content += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text><rect class=\"lane-{}\" x=\"{:.1f}\" "
        "y=\"{:.1f}\" "
        "width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\"><title>{}: {}, {}</title></rect>",
        kLeft - 6, y + 13, lane.name, lane.state, x, y + 2, std::max(2.0, width), kLaneHeight - 4, lane.name,
        lane.state, HumanDuration(static_cast<double>(lane.end_s - lane.begin_s)));
  }
  return Framed(chart.title,
                fmt::format("{}: one bar for each run, {} in all.", chart.title, chart.lanes.size()), height,
                content);
}

}  // namespace pipeline
