#include "pipeline/reports/report_output.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "pipeline/fs/own_dir.h"
#include "tests/support/support.h"

namespace pipeline {
namespace report_output_test {

class ReportOutputTest : public testing::Test {
 protected:
  bool Exists(const std::string& name) { return access((directory_ / name).c_str(), F_OK) == 0; }
  std::size_t CountFiles() { return OwnDir::Open(directory_.path()).value().Names().value().size(); }
  const test::TempDir directory_;
  const std::string path_ = directory_ / "report";
};

TEST_F(ReportOutputTest, TheFileAppearsWhenItIsComplete) {
  auto output = ReportOutput::Open(path_, false).value();
  EXPECT_TRUE(output.Append("a\n"));
  EXPECT_FALSE(Exists("report"));
  EXPECT_TRUE(output.Finish());
  EXPECT_EQ(test::ReadAll(path_), "a\n");
  EXPECT_EQ(CountFiles(), 1u);
}

TEST_F(ReportOutputTest, AnUnfinishedFileIsRemoved) {
  {
    auto output = ReportOutput::Open(path_, false).value();
    output.Append(std::string(1 << 20, 'x'));
    EXPECT_EQ(CountFiles(), 1u);
  }
  EXPECT_EQ(CountFiles(), 0u);
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

TEST_F(ReportOutputTest, AnotherFileWithASimilarNameIsKept) {
  directory_.Write("report.new", "of the user");
  auto output = ReportOutput::Open(path_, false).value();
  EXPECT_TRUE(output.Finish());
  EXPECT_EQ(test::ReadAll(directory_ / "report.new"), "of the user");
}

TEST_F(ReportOutputTest, TwoReportsToOneFileDoNotMix) {
  for (const bool may_replace : {false, true}) {
    auto first = ReportOutput::Open(path_, may_replace).value();
    auto second = ReportOutput::Open(path_, may_replace).value();
    first.Append("first\n");
    second.Append(std::string(1 << 20, 'x'));
    EXPECT_TRUE(first.Finish());
    EXPECT_EQ(test::ReadAll(path_), "first\n");
    EXPECT_EQ(second.Finish().has_value(), may_replace);
    if (!may_replace) unlink(path_.c_str());
  }
  EXPECT_EQ(test::ReadAll(path_).size(), 1u << 20);
  EXPECT_EQ(CountFiles(), 1u);
}

TEST_F(ReportOutputTest, OnlyRegularFilesAreReplaced) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_FALSE(ReportOutput::Open(path_, true));
  unlink(path_.c_str());
  ASSERT_EQ(symlink("none", path_.c_str()), 0);
  EXPECT_FALSE(ReportOutput::Open(path_, true));
  unlink(path_.c_str());
  {
    auto output = ReportOutput::Open(path_, true).value();
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    EXPECT_FALSE(output.Finish());
  }
  EXPECT_TRUE(Exists("report"));
  EXPECT_EQ(CountFiles(), 1u);
}

TEST_F(ReportOutputTest, ALongNameIsPossible) {
  auto output = ReportOutput::Open(directory_ / std::string(255, 'n'), false).value();
  EXPECT_TRUE(output.Finish());
}

}  // namespace report_output_test
}  // namespace pipeline
