#include "pipeline/run/status_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/report/metrics.h"
#include "tests/support/support.h"

namespace pipeline {
namespace status_writer_test {

using testing::HasSubstr;

class StatusWriterTest : public testing::Test {
 protected:
  LiveStatus Written() { return ParseStatus(run_dir_.Text(kStatusName, 1 << 20).value()).value(); }

  test::TempDir directory_;
  const OwnDir run_dir_ = OwnDir::Make(directory_ / "run").value();
};

TEST_F(StatusWriterTest, WritesAtOnceAndAtTheEnd) {
  StatusWriter writer(run_dir_, {.host = "node17", .process = 5});
  EXPECT_EQ(Written().state, RunState::kWalking);
  EXPECT_EQ(Written().host, "node17");
  EXPECT_THAT(run_dir_.Text(kMetricsName, 1 << 20).value(), HasSubstr("host=\"node17\",pid=\"5\""));
  {
    const auto attached = writer.Attach([](LiveStatus* status) { status->throttled = 7; });
  }
  writer.End({.found = 1, .uploaded = 1, .source_exhausted = true}, kExitOk);
  EXPECT_EQ(Written().state, RunState::kFinished);
  EXPECT_EQ(Written().uploaded, 1u);
  EXPECT_EQ(Written().throttled, 7u) << "the numbers at the end of the attachment";
  EXPECT_EQ(writer.problem(), "");
  EXPECT_THAT(run_dir_.Names().value(), testing::UnorderedElementsAre("metrics.prom", "status.json"));
}

TEST_F(StatusWriterTest, AFailedWriteIsReportedUntilAWriteSucceeds) {
  const auto path = directory_ / "run/status.json";
  ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
  StatusWriter writer(run_dir_, {});
  EXPECT_EQ(writer.problem(), path + ": Is a directory");
  ASSERT_EQ(rmdir(path.c_str()), 0);
  writer.End({}, kExitStopped);
  EXPECT_EQ(writer.problem(), "");
  EXPECT_EQ(Written().state, RunState::kStopped);
}

TEST_F(StatusWriterTest, ALinkIsReplacedAndNotFollowed) {
  const auto victim = directory_.Write("victim", "untouched");
  ASSERT_EQ(symlink(victim.c_str(), (directory_ / "run/status.json").c_str()), 0);
  ASSERT_EQ(symlink(victim.c_str(), (directory_ / "run/status.json.new").c_str()), 0);
  StatusWriter writer(run_dir_, {});
  EXPECT_EQ(test::ReadAll(victim), "untouched");
  EXPECT_EQ(Written().state, RunState::kWalking);
}

}  // namespace status_writer_test
}  // namespace pipeline
