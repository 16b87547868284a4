#include "pipeline/reports/html_charts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pipeline {
namespace html_charts_test {

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(LineChart, SaysWhatItShows) {
  const auto svg = Render(LineChart{"Throughput", ChartUnit::kBytesPerSecond, 1, {1024, 3072}});
  EXPECT_TRUE(Has(svg, "role=\"img\"")) << svg;
  EXPECT_TRUE(Has(svg, "<title>Throughput</title>")) << svg;
  EXPECT_TRUE(Has(svg, "<desc>Throughput over 2 s: on average 2 KiB/s, at most 3 KiB/s.</desc>")) << svg;
  EXPECT_FALSE(Has(svg, "nan") || Has(svg, "inf")) << svg;
}

TEST(LineChart, DrawsFlatAndSingleValues) {
  for (const auto& values : {std::vector<double>{0}, std::vector<double>{0, 0}, std::vector<double>{1e18}}) {
    const auto svg = Render(LineChart{"t", ChartUnit::kCount, 1, values});
    EXPECT_TRUE(Has(svg, "class=\"plot\"")) << svg;
    EXPECT_FALSE(Has(svg, "nan") || Has(svg, "inf")) << svg;
  }
  EXPECT_EQ(Render(LineChart{"t", ChartUnit::kCount, 1, {}}), "");
}

TEST(StackedChart, NamesTheLargestAreasAndEscapesNames) {
  StackedChart chart{"Slots", 1, {{"<b>", {100, 100}}, {"none", {0, 0}}}};
  for (int i = 0; i < 20; ++i) chart.areas["state" + std::to_string(i)] = {1.0 + i, 1.0 + i};
  const auto svg = Render(chart);
  EXPECT_TRUE(Has(svg, "&lt;b&gt;")) << svg;
  EXPECT_FALSE(Has(svg, "<b>")) << svg;
  EXPECT_TRUE(Has(svg, "state19")) << svg;
  EXPECT_FALSE(Has(svg, "state5")) << svg;
  EXPECT_TRUE(Has(svg, "other")) << svg;
  EXPECT_FALSE(Has(svg, "none")) << "an empty area";
  EXPECT_EQ(Render(StackedChart{"Slots", 1, {{"none", {0}}}}), "");
  const auto small = Render(StackedChart{"Slots", 1, {{"a", {1000}}, {"b", {1}}, {"c", {1}}}});
  EXPECT_TRUE(Has(small, "a 100 %") && Has(small, "other 0 %")) << small;
}

TEST(LanesChart, DrawsOneBarForEachRun) {
  const auto svg =
      Render(LanesChart{"Runs", {{"shard 0", "finished", 100, 200}, {"shard 1", "killed", 150, 150}}});
  EXPECT_TRUE(Has(svg, "class=\"lane-finished\"")) << svg;
  EXPECT_TRUE(Has(svg, "width=\"2.0\"")) << "a short run is visible: " << svg;
  EXPECT_EQ(Render(LanesChart{"Runs", {}}), "");
}

TEST(MarkDistance, GivesAFewRoundNumbers) {
  EXPECT_EQ(MarkDistance(5), 1);
  EXPECT_EQ(MarkDistance(10), 2);
  EXPECT_EQ(MarkDistance(268), 50);
  EXPECT_EQ(MarkDistance(0), 1);
}

}  // namespace html_charts_test
}  // namespace pipeline
