#include "pipeline/reports/report_output.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "tests/support/support.h"

namespace pipeline {
namespace report_output_test {

class ReportOutputTest : public testing::Test {
 protected:
  bool Exists(const std::string& name) { return access((directory_ / name).c_str(), F_OK) == 0; }
  const test::TempDir directory_;
  const std::string path_ = directory_ / "report";
};

TEST_F(ReportOutputTest, TheFileAppearsWhenItIsComplete) {
  auto output = ReportOutput::Open(path_, false).value();
  EXPECT_TRUE(output.Append("a\n"));
  EXPECT_FALSE(Exists("report"));
  EXPECT_TRUE(output.Finish());
  EXPECT_EQ(test::ReadAll(path_), "a\n");
  EXPECT_FALSE(Exists("report.new"));
}

TEST_F(ReportOutputTest, AnUnfinishedFileIsRemoved) {
  {
    auto output = ReportOutput::Open(path_, false).value();
    output.Append(std::string(1 << 20, 'x'));
    EXPECT_TRUE(Exists("report.new"));
  }
  EXPECT_FALSE(Exists("report.new"));
  EXPECT_FALSE(Exists("report"));
}

TEST_F(ReportOutputTest, AFileIsReplacedOnlyOnDemand) {
  directory_.Write("report", "old");
  const auto refused = ReportOutput::Open(path_, false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--force"), std::string::npos);
  EXPECT_EQ(test::ReadAll(path_), "old");
  auto output = ReportOutput::Open(path_, true).value();
  output.Append("new\n");
  EXPECT_EQ(test::ReadAll(path_), "old");
  EXPECT_TRUE(output.Finish());
  EXPECT_EQ(test::ReadAll(path_), "new\n");
}

TEST_F(ReportOutputTest, AFileThatAppearsMeanwhileIsNotReplaced) {
  auto output = ReportOutput::Open(path_, false).value();
  output.Append("new\n");
  directory_.Write("report", "of another program");
  EXPECT_FALSE(output.Finish());
  EXPECT_EQ(test::ReadAll(path_), "of another program");
}

TEST_F(ReportOutputTest, AMissingDirectoryIsRefused) {
  EXPECT_FALSE(ReportOutput::Open(directory_ / "none/report", false));
}

}  // namespace report_output_test
}  // namespace pipeline
