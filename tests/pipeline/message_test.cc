// The words for outcomes in records, and both forms of an input.
#include "pipeline/message.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace message_test {

TEST(OutcomeTest, EachNameMeansItsOutcome) {
  for (const auto outcome :
       {Outcome::kUploaded, Outcome::kSkipped, Outcome::kFailed, Outcome::kCancelled, Outcome::kSent}) {
    EXPECT_EQ(OutcomeOf(OutcomeName(outcome)), outcome);
  }
}

TEST(OutcomeTest, AnUnknownNameIsNoSuccess) { EXPECT_EQ(OutcomeOf("finished"), Outcome::kCancelled); }

TEST(InputTest, HasItsFileInBothForms) {
  const auto file = std::make_shared<const InputFile>(InputFile{.path = "/data/a", .key = "prefix/a"});
  EXPECT_EQ(&FileOf(file), file.get());
  ObjectResult result;
  result.file = file;
  EXPECT_EQ(&FileOf(result), file.get());
}

TEST(InputTest, OfARangeOnlyTheRangeIsUploaded) {
  InputFile file{.size_bytes = 25};
  EXPECT_EQ(BytesToUpload(file), 25u);
  file.range = std::make_shared<const PartsOfPlan>(PartsOfPlan{.first = 1, .last = 2, .part_bytes = 10});
  EXPECT_EQ(BytesToUpload(file), 20u);
  file.range = std::make_shared<const PartsOfPlan>(PartsOfPlan{.first = 3, .last = 3, .part_bytes = 10});
  EXPECT_EQ(BytesToUpload(file), 5u);
}

TEST(InputTest, ItsRelativePathIsTheEndOfItsKey) {
  EXPECT_EQ((InputFile{.key = "prefix/sub/a", .relative_at = 7}).relative(), "sub/a");
}

}  // namespace message_test
}  // namespace pipeline
