// Which files and directories the filters of a source root leave out.
#include "pipeline/source/source_filters.h"

#include <gtest/gtest.h>

#include <map>

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

TEST(SourceFiltersTest, LimitsOfSizesAreInclusive) {
  const SourceRoot root{.min_size_bytes = 10, .max_size_bytes = 20};
  struct stat status = {};
  for (const auto& [size, excluded] :
       std::map<off_t, bool>{{0, true}, {9, true}, {10, false}, {20, false}, {21, true}}) {
    status.st_size = size;
    EXPECT_EQ(ExcludesStatus(root, status), excluded) << size;
    EXPECT_FALSE(ExcludesStatus({}, status)) << size;
  }
}

TEST(SourceFiltersTest, OneTimeAsBothLimitsPutsEachFileOnOneSide) {
  SourceRoot newer, older;
  newer.newer_than = {"t", 1000, false};
  older.older_than = {"t", 1000, false};
  struct stat status = {};
  for (const time_t mtime : {-5, 0, 999, 1000, 1001}) {
    status.st_mtim = {mtime, 500'000'000};
    EXPECT_EQ(ExcludesStatus(newer, status), mtime < 1000) << mtime;
    EXPECT_EQ(ExcludesStatus(older, status), mtime >= 1000) << mtime;
  }
}

}  // namespace source_filters_test
}  // namespace pipeline
