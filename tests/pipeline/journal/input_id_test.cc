#include "pipeline/journal/input_id.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace input_id_test {

TEST(InputIdTest, DependsOnPathKeyAndFirstPart) {
  const auto id = InputIdOf("/p", "k");
  EXPECT_EQ(id, InputIdOf(InputFile{"/p", "k", 5}));
  EXPECT_NE(id.path, InputIdOf("/q", "k").path);
  EXPECT_EQ(id.object, InputIdOf("/q", "k").object) << "another file of the same object";
  EXPECT_NE(id.object, InputIdOf("/p", "l").object);
  EXPECT_NE(id.object, InputIdOf("/p", "k", 1).object);
  EXPECT_NE(InputIdOf("/p", "k", 1).object, InputIdOf("/p", "k", 2).object);
  EXPECT_NE(InputIdOf("/p", "k", 11).object, InputIdOf("/p", "k1", 1).object);
}

TEST(InputIdTest, TakesTheFirstPartOfARange) {
  InputFile file{"/p", "k", 5};
  file.range = std::make_shared<PartsOfPlan>(PartsOfPlan{7, 9});
  EXPECT_EQ(InputIdOf(file), InputIdOf("/p", "k", 7));
}

}  // namespace input_id_test
}  // namespace pipeline
