#include "pipeline/source/source_roots.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace source_roots_test {

TEST(SourceRootsTest, MakesRelativePathsAbsolute) {
  std::vector<SourceRoot> roots;
  for (const auto* path : {"/data", "data", "./data", "././data", ".", "./", "../data"}) {
    roots.push_back({.path = path, .prefix = "p/"});
  }
  const auto absolute = RootsIn("/home", roots);
  std::vector<std::string> paths;
  for (const auto& root : absolute) {
    paths.push_back(root.path);
    EXPECT_EQ(root.prefix, "p/");
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"/data", "/home/data", "/home/data", "/home/data", "/home/.",
                                             "/home/./", "/home/../data"}));
}

}  // namespace source_roots_test
}  // namespace pipeline
