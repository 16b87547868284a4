#include "config/fallbacks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace config {
namespace fallbacks_test {

TEST(ApplyFallbacks, TheJobFileAndTheFirstValueWin) {
  auto [root, problems] = ParseDocument("retry: {cap: 1s}\n", "job.yaml", s3::ProcessEnvironment());
  Fallbacks found;
  found.values = {
      {"retry.cap", "2s", "A"}, {"retry.max_attempts", "3", "B"}, {"retry.max_attempts", "4", "C"}};
  std::vector<std::string> notes;
  const auto used = ApplyFallbacks(found, &root, &problems, &notes);
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(used[0].where, "B");
  EXPECT_EQ(root.Find("retry")->Find("cap")->text, "1s");
  EXPECT_EQ(root.Find("retry")->Find("max_attempts")->text, "3");
  EXPECT_TRUE(problems.empty());
  EXPECT_TRUE(notes.empty());
}

TEST(ApplyFallbacks, AValueThatIsReplacedByAnotherKeyGivesItsNote) {
  auto [root, problems] =
      ParseDocument("destination: {endpoint: http://h}\n", "job.yaml", s3::ProcessEnvironment());
  Fallbacks found;
  found.values = {{.key = "destination.fips",
                   .value = "true",
                   .where = "A",
                   .unless = {"destination.endpoint"},
                   .unless_note = "not used"}};
  std::vector<std::string> notes;
  EXPECT_TRUE(ApplyFallbacks(found, &root, &problems, &notes).empty());
  EXPECT_THAT(notes, testing::ElementsAre("not used"));
}

TEST(ApplyFallbacks, AProblemCountsOnlyIfTheValueWouldBeUsed) {
  for (const auto* text : {"destination: {endpoint: http://h}\n", "destination: {bucket: b}\n"}) {
    auto [root, problems] = ParseDocument(text, "job.yaml", s3::ProcessEnvironment());
    Fallbacks found;
    found.values = {{.key = "destination.endpoint", .where = "A", .problem = "cannot be read"}};
    std::vector<std::string> notes;
    ApplyFallbacks(found, &root, &problems, &notes);
    const bool has_endpoint = root.Find("destination")->Find("endpoint") != nullptr;
    EXPECT_EQ(problems.size(), has_endpoint ? 0u : 1u);
  }
}

}  // namespace fallbacks_test
}  // namespace config
