#include "pipeline/plan/new_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/plan_fixture.h"

namespace pipeline {
namespace new_inputs_test {

class NewInputsTest : public test::PlanFixture {
 protected:
  s3::Result<NewInputs> Find(std::stop_token stop = {}) {
    return FindNewInputs(PlanDir(), plan_, options_.source, "", stop);
  }
};

TEST_F(NewInputsTest, FindsFilesThatThePlanDoesNotHave) {
  WriteFiles(30);
  ASSERT_EQ(Plan(4).status, kExitOk);
  EXPECT_EQ(Find()->inputs, 0u);
  std::filesystem::remove(directory_ / "data/f3");
  directory_.Write("data/f4", "changed, but planned");
  directory_.Write("data/sub/new", "x");
  const auto found = Find();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->inputs, 1u);
  EXPECT_THAT(found->paths, testing::ElementsAre(directory_ / "data/sub/new"));
}

TEST_F(NewInputsTest, KeepsTheFirstPathsOnly) {
  WriteFiles(1);
  ASSERT_EQ(Plan(2).status, kExitOk);
  WriteFiles(30);
  const auto found = Find();
  EXPECT_EQ(found->inputs, 29u);
  EXPECT_EQ(found->paths.size(), NewInputs::kMaxPaths);
}

TEST_F(NewInputsTest, FailsWhenItIsStopped) {
  WriteFiles(3);
  ASSERT_EQ(Plan(2).status, kExitOk);
  std::stop_source stop;
  stop.request_stop();
  const auto found = Find(stop.get_token());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, s3::ErrorKind::kCancelled);
}

}  // namespace new_inputs_test
}  // namespace pipeline
