#include "config/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace config {
namespace faults_test {

std::optional<std::string> FakeEnvironment(const std::string& name) {
  if (name == "BUCKET") return "from-env";
  if (name == "SECRET") return "hunter2";
  return std::nullopt;
}

TEST(Faults, TheExampleLoads) {
  const auto faults =
      ParseFaults(test::ReadAll(std::string(TESTS_DIR) + "/../config/examples/quickstart-faults.yaml"), "f",
                  FakeEnvironment);
  ASSERT_TRUE(faults);
  EXPECT_EQ(faults->at(0).last_attempt, 2);
  EXPECT_EQ(faults->at(0).action, s3::endpoint::FaultAction::kNoResponse);
}

TEST(Faults, AttemptsAreANumberARangeOrAll) {
  const auto range = [](const std::string& attempts) {
    const auto faults =
        ParseFaults("faults: [{action: status, attempts: '" + attempts + "'}]", "f", FakeEnvironment);
    return faults ? std::pair(faults->at(0).first_attempt, faults->at(0).last_attempt) : std::pair(0, 0);
  };
  EXPECT_EQ(range("2"), std::pair(2, 2));
  EXPECT_EQ(range("2-4"), std::pair(2, 4));
  EXPECT_EQ(range("3-"), std::pair(3, 1'000'000));
  EXPECT_EQ(range("all"), std::pair(1, 1'000'000));
  for (const auto* wrong : {"0", "4-2", "-3", "x", ""}) EXPECT_EQ(range(wrong), std::pair(0, 0)) << wrong;
}

}  // namespace faults_test
}  // namespace config
