#include "pipeline/journal/input_index.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/support.h"

namespace pipeline {
namespace input_index_test {

void Add(InputIndex::Builder* builder, const InputFile& file, Outcome outcome, bool in_scope = true,
         int attempts = 1) {
  builder->Add(InputIdOf(file),
               {.outcome = outcome,
                .path = file.path,
                .key = file.key,
                .size_bytes = file.size_bytes,
                .mtime_ns = file.mtime_ns,
                .kind = s3::ErrorKind::kChanged,
                .attempts = attempts},
               in_scope);
}

TEST(InputIndexTest, StateFollowsTheLastResult) {
  const struct {
    std::vector<Outcome> outcomes;
    InputState state;
  } kCases[] = {{{}, InputState::kNew},
                {{Outcome::kUploaded}, InputState::kDone},
                {{Outcome::kSkipped}, InputState::kDone},
                {{Outcome::kSent}, InputState::kDone},
                {{Outcome::kFailed}, InputState::kFailed},
                {{Outcome::kCancelled}, InputState::kNew},
                {{Outcome::kFailed, Outcome::kUploaded}, InputState::kDone},
                {{Outcome::kUploaded, Outcome::kFailed}, InputState::kFailed},
                {{Outcome::kUploaded, Outcome::kCancelled}, InputState::kNew}};
  const InputFile file{"/a", "k", 5};
  for (const auto& [outcomes, state] : kCases) {
    InputIndex::Builder builder;
    for (const auto outcome : outcomes) Add(&builder, file, outcome);
    const auto index = std::move(builder).Build();
    EXPECT_EQ(index.StateOf(file), state);
    EXPECT_EQ(index.FindDone(file).has_value(), state == InputState::kDone);
  }
}

TEST(InputIndexTest, AChangedFileIsStale) {
  InputFile file{"/a", "k", 5};
  file.mtime_ns = 7;
  InputIndex::Builder builder;
  Add(&builder, file, Outcome::kUploaded);
  const auto index = std::move(builder).Build();
  EXPECT_EQ(index.FindDone(file)->outcome, Outcome::kUploaded);
  EXPECT_EQ(index.FindDone(file)->size_bytes, 5u);
  auto larger = file, later = file, stream = file;
  ++larger.size_bytes;
  ++later.mtime_ns;
  stream.size_bytes = 0;
  stream.is_stream = true;
  EXPECT_EQ(index.StateOf(larger), InputState::kStale);
  EXPECT_EQ(index.StateOf(later), InputState::kStale);
  EXPECT_EQ(index.StateOf(stream), InputState::kDone) << "a stream has no size or time before it is read";
}

// Inputs a and b have the key k.
TEST(InputIndexTest, AResultCountsUntilAnotherInputMayHaveWrittenItsKey) {
  const struct {
    Outcome outcome;
    int attempts;
    bool still_counts;
  } kOfOther[] = {{Outcome::kUploaded, 1, false},  {Outcome::kFailed, 3, false},
                  {Outcome::kFailed, 0, true},     {Outcome::kSkipped, 0, true},
                  {Outcome::kCancelled, 1, false}, {Outcome::kCancelled, 0, true}};
  const InputFile a{"/a", "k", 5}, b{"/b", "k", 5};
  for (const auto& [outcome, attempts, still_counts] : kOfOther) {
    InputIndex::Builder builder;
    Add(&builder, a, Outcome::kUploaded);
    Add(&builder, b, outcome, true, attempts);
    const auto index = std::move(builder).Build();
    EXPECT_EQ(index.FindDone(a).has_value(), still_counts) << OutcomeName(outcome) << attempts;
    EXPECT_EQ(index.FindDone(b).has_value(), outcome == Outcome::kUploaded || outcome == Outcome::kSkipped);
  }
}

TEST(InputIndexTest, AResultOutOfScopeDoesNotCountAndHidesEarlierOnes) {
  const InputFile file{"/a", "k", 5};
  InputIndex::Builder builder;
  Add(&builder, file, Outcome::kUploaded);
  Add(&builder, file, Outcome::kUploaded, false);
  const auto index = std::move(builder).Build();
  EXPECT_EQ(index.StateOf(file), InputState::kNew);
  EXPECT_EQ(index.done().found, 0u);
}

TEST(InputIndexTest, CountsEachInputOnce) {
  auto random = test::SeededRandom();
  std::vector<InputFile> files;
  for (int i = 0; i < 500; ++i) files.push_back({"/" + std::to_string(i), "k" + std::to_string(i), 10});
  auto order = files;
  std::shuffle(order.begin(), order.end(), random);
  InputIndex::Builder builder;
  for (const auto& file : order) Add(&builder, file, Outcome::kFailed);
  for (const auto& file : files) {
    if (file.path.ends_with('7')) Add(&builder, file, Outcome::kUploaded);
    if (file.path.ends_with('8')) Add(&builder, file, Outcome::kCancelled);
  }
  const auto index = std::move(builder).Build();
  EXPECT_EQ(index.done().uploaded, 50u);
  EXPECT_EQ(index.done().uploaded_bytes, 500u);
  EXPECT_EQ(index.unfinished().cancelled, 50u);
  EXPECT_EQ(index.unfinished().failed, 400u);
  EXPECT_EQ(index.unfinished().failures_by_kind.at(std::string(s3::KindName(s3::ErrorKind::kChanged))), 400u);
  for (const auto& file : files) {
    if (file.path.ends_with('7')) {
      EXPECT_EQ(index.StateOf(file), InputState::kDone);
    }
  }
}

}  // namespace input_index_test
}  // namespace pipeline
