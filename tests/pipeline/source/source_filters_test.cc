// Which names the globs of a source root exclude.
#include "pipeline/source/source_filters.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace source_filters_test {

TEST(SourceFiltersTest, ExcludeWinsOverInclude) {
  const SourceRoot root{.include = {"*.csv"}, .exclude = {"old.csv"}};
  EXPECT_FALSE(ExcludesFile(root, "new.csv"));
  EXPECT_TRUE(ExcludesFile(root, "old.csv"));
  EXPECT_TRUE(ExcludesFile(root, "new.txt"));
}

TEST(SourceFiltersTest, WithoutGlobsNothingIsExcluded) {
  EXPECT_FALSE(ExcludesFile({}, "a/b"));
  EXPECT_FALSE(ExcludesDirectory({}, "a/b"));
}

TEST(SourceFiltersTest, AGlobForItsNameOrForAllBelowExcludesADirectory) {
  const SourceRoot root{.include = {"*.csv"}, .exclude = {"cache/", "tmp/**", "logs/*.txt"}};
  EXPECT_TRUE(ExcludesDirectory(root, "cache"));
  EXPECT_TRUE(ExcludesDirectory(root, "tmp"));
  EXPECT_FALSE(ExcludesDirectory(root, "logs"));
  EXPECT_FALSE(ExcludesDirectory(root, "data")) << "`include` concerns files";
}

}  // namespace source_filters_test
}  // namespace pipeline
