#include "s3/base/environment.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace s3 {
namespace environment_test {

TEST(ProcessEnvironment, ReturnsTheValueOfAVariable) {
  setenv("S3FLOW_TEST_VARIABLE", "value", 1);
  EXPECT_EQ(ProcessEnvironment()("S3FLOW_TEST_VARIABLE"), "value");
  unsetenv("S3FLOW_TEST_VARIABLE");
}

TEST(ProcessEnvironment, AnEmptyVariableCountsAsUnset) {
  setenv("S3FLOW_TEST_VARIABLE", "", 1);
  EXPECT_EQ(ProcessEnvironment()("S3FLOW_TEST_VARIABLE"), std::nullopt);
  unsetenv("S3FLOW_TEST_VARIABLE");
  EXPECT_EQ(ProcessEnvironment()("S3FLOW_TEST_VARIABLE"), std::nullopt);
}

TEST(ProcessEnvironment, SeesAChangeAtTheNextCall) {
  const auto environment = ProcessEnvironment();
  setenv("S3FLOW_TEST_VARIABLE", "1", 1);
  EXPECT_EQ(environment("S3FLOW_TEST_VARIABLE"), "1");
  setenv("S3FLOW_TEST_VARIABLE", "2", 1);
  EXPECT_EQ(environment("S3FLOW_TEST_VARIABLE"), "2");
  unsetenv("S3FLOW_TEST_VARIABLE");
}

}  // namespace environment_test
}  // namespace s3
