#include "pipeline/source/source_roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace pipeline {
namespace source_roots_test {

TEST(SourceRootsTest, MakesRelativePathsAbsolute) {
  std::vector<SourceRoot> roots;
  for (const auto* path :
       {"/data", "data", "./data", "././data", ".//data", "././//data", ".", "./", "../data"}) {
    roots.push_back({.path = path, .prefix = "p/"});
  }
  const auto absolute = RootsIn("/home", roots);
  std::vector<std::string> paths;
  for (const auto& root : absolute) {
    paths.push_back(root.path);
    EXPECT_EQ(root.prefix, "p/");
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"/data", "/home/data", "/home/data", "/home/data", "/home/data",
                                             "/home/data", "/home/.", "/home/./", "/home/../data"}));
}

TEST(ReadGlobsTest, AddsTheLinesOfFiles) {
  const test::TempDir directory;
  directory.Write("globs", "# of the site\n\n*.tmp\r\n  cache/ \n\t# more\nlast one");
  directory.Write("wanted", "*.dat\n");
  const auto roots = ReadGlobs({{.path = "x",
                                 .include = {"*.csv"},
                                 .include_from = {directory / "wanted"},
                                 .exclude_from = {directory / "globs", directory / "wanted"}},
                                {.path = "y"}});
  ASSERT_TRUE(roots) << roots.error().message;
  EXPECT_THAT(roots->at(0).include, testing::ElementsAre("*.csv", "*.dat"));
  EXPECT_THAT(roots->at(0).exclude, testing::ElementsAre("*.tmp", "cache/", "last one", "*.dat"));
  EXPECT_THAT(roots->at(1).exclude, testing::IsEmpty());
}

TEST(ReadGlobsTest, FailsRatherThanTakingEveryFile) {
  const test::TempDir directory;
  directory.Write("empty", "# nothing\n\n");
  directory.Write("long", "*.a\n" + std::string(5000, 'x') + "\n");
  const auto error = [&](const SourceRoot& root) { return ReadGlobs({root}).error().message; };
  EXPECT_THAT(error({.include_from = {directory / "none"}}),
              testing::HasSubstr("include_from " + directory / "none"));
  EXPECT_THAT(error({.include_from = {directory / "empty"}}), testing::HasSubstr("has no glob"));
  EXPECT_THAT(error({.exclude_from = {directory.path()}}), testing::HasSubstr("is a directory"));
  EXPECT_THAT(error({.exclude_from = {directory / "long"}}), testing::HasSubstr("line 2 is too long"));
  EXPECT_TRUE(ReadGlobs({{.exclude_from = {directory / "empty"}}}));
}

TEST(AgesBeforeTest, MakesTimesOfAges) {
  SourceRoot root;
  root.newer_than = {"30d", 30 * 86'400, true};
  root.older_than = {"2001-09-09T01:46:40Z", 1'000'000'000, false};
  const auto roots = AgesBefore(2'000'000'000, {root});
  EXPECT_EQ(roots[0].newer_than.seconds, 2'000'000'000 - 30 * 86'400);
  EXPECT_FALSE(roots[0].newer_than.is_age);
  EXPECT_EQ(roots[0].older_than.seconds, 1'000'000'000);
}

}  // namespace source_roots_test
}  // namespace pipeline
