#include "s3/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mutator.h"

namespace s3 {
namespace glob_test {

TEST(Glob, Matches) {
  struct Case {
    const char* pattern;
    const char* path;
    bool matches;
  };
  for (const auto& [pattern, path, matches] :
       std::initializer_list<Case>{{"*.log", "a.log", true},
                                   {"*.log", "x/y/a.log", true},
                                   {"*.log", "a.logs", false},
                                   {"/*.log", "a.log", true},
                                   {"/*.log", "x/a.log", false},
                                   {"x/*.log", "x/a.log", true},
                                   {"x/*.log", "x/y/a.log", false},
                                   {"x/**", "x/y/a.log", true},
                                   {"**/a.log", "a.log", true},
                                   {"**/a.log", "x/y/a.log", true},
                                   {"x/**/z", "x/z", true},
                                   {"x/**/z", "x/1/2/z", true},
                                   {"x/**/z", "y/1/z", false},
                                   {"**", "anything/at all", true},
                                   {"f[24]", "f2", true},
                                   {"f[24]", "f3", false},
                                   {"f?", "f\n", true},
                                   {"a*b", "a/b", false},
                                   {"**/x/**/y/**/z", "x/x/y/y/z/q/z", true},
                                   {"\\*", "*", true}}) {
    EXPECT_EQ(GlobMatches(pattern, path), matches) << pattern << " on " << path;
  }
}

TEST(Glob, ManyStarsTakeNoExponentialTime) {
  std::string pattern, path;
  for (int i = 0; i < 60; ++i) pattern += "**/a/", path += "a/";
  EXPECT_FALSE(GlobMatches(pattern + "b", path + "c"));
}

TEST(Glob, MatchesAllBelowADirectory) {
  EXPECT_TRUE(GlobMatchesAllBelow("build/**", "build"));
  EXPECT_TRUE(GlobMatchesAllBelow("build/**", "build/x"));
  EXPECT_FALSE(GlobMatchesAllBelow("build/**", "other"));
  EXPECT_FALSE(GlobMatchesAllBelow("*.log", "x.log"));
}

TEST(Glob, AnyBytesAreAccepted) {
  const std::vector<std::string> seeds{"**/x[a-z]*/\\?", "[!", "a/**/b"};
  test::Mutator mutator;
  for (int i = 0; i < test::Rounds(); ++i) {
    const auto text = mutator.Next(seeds);
    (void)GlobMatches(text, "some/path/file");
    (void)GlobMatches("**/x", text);
  }
}

}  // namespace glob_test
}  // namespace s3
