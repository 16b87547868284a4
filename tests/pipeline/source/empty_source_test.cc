// Why a source has no input.
#include "pipeline/source/empty_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/support.h"

namespace pipeline {
namespace empty_source_test {

using testing::HasSubstr;

TEST(EmptySourceTest, NamesTheRootWithoutFiles) {
  const test::TempDir directory;
  std::filesystem::create_directory(directory / "void");
  Options options;
  options.source.push_back({.path = directory / "void"});
  EXPECT_THAT(EmptySourceText(options), HasSubstr("/void contains no files"));
}

TEST(EmptySourceTest, CountsWhatTheFiltersLeaveOut) {
  const test::TempDir directory;
  directory.Write("data/a.txt", "a");
  directory.Write("data/sub/b.txt", "b");
  Options options;
  options.source.push_back({.path = directory / "data", .include = {"*.csv"}});
  EXPECT_THAT(EmptySourceText(options), HasSubstr("the filters leave out 2 files of "));
}

}  // namespace empty_source_test
}  // namespace pipeline
