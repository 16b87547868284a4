#include "pipeline/report/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pipeline {
namespace metrics_test {

using testing::HasSubstr;
using testing::Not;

// tests/e2e/status_test.py reads the files of real runs with a strict OpenMetrics parser.
TEST(MetricsTest, AMetricHasTypeUnitAndHelpAndTheLastLineIsEof) {
  const auto text = MetricsText({.uploaded = 4, .bytes_done = 400});
  EXPECT_THAT(
      text,
      HasSubstr("# TYPE s3flow_sent_bytes gauge\n# UNIT s3flow_sent_bytes bytes\n"
                "# HELP s3flow_sent_bytes Bytes that the store has acknowledged. Grows during a session.\n"
                "s3flow_sent_bytes 400\n"));
  EXPECT_THAT(text, HasSubstr("s3flow_inputs{outcome=\"uploaded\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("s3flow_state{state=\"walking\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("s3flow_state{state=\"running\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("s3flow_slot_seconds{state=\"first_byte\"} 0.000000\n"));
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(MetricsTest, UnknownValuesAreLeftOut) {
  const auto text = MetricsText({});
  EXPECT_THAT(text, Not(HasSubstr("s3flow_left_seconds")));
  EXPECT_THAT(text, Not(HasSubstr("s3flow_exit_status")));
  EXPECT_THAT(text, Not(HasSubstr("s3flow_expected_inputs")));
  EXPECT_THAT(MetricsText({.found = 2, .expected = {.inputs = 7}}),
              HasSubstr("\ns3flow_expected_inputs 7\n"));
  EXPECT_THAT(MetricsText({.state = RunState::kFinished, .exit_status = 0}),
              HasSubstr("s3flow_exit_status 0\n"));
}

TEST(MetricsTest, LabelsAreEscaped) {
  EXPECT_THAT(MetricsText({.host = "a\"b\nc\xff"}), HasSubstr("host=\"a\\\"b\\\\x0ac\\\\xff\""));
}

}  // namespace metrics_test
}  // namespace pipeline
