// What SLURM_JOB_END_TIME may say.
#include "pipeline/runtime/deadlines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kNow = 1'800'000'000;

struct Case {
  std::optional<std::string> text;
  std::optional<std::int64_t> end;
  std::string note;  // what it says; empty: there is none
};

TEST(SlurmJobEndTest, ATimeThatCannotBeRightIsIgnoredWithOneNote) {
  const Case cases[] = {
      {std::nullopt, std::nullopt, ""},
      {"", std::nullopt, ""},
      {"1800000001", kNow + 1, ""},
      {"1800003600", kNow + 3600, ""},
      {"1800000000", std::nullopt, "has passed"},
      {"1000000000", std::nullopt, "has passed"},
      {"0", std::nullopt, "has passed"},
      {"-1", std::nullopt, "has passed"},
      {"9000000000", std::nullopt, "more than 10 years away"},
      {"9223372036854775807", std::nullopt, "more than 10 years away"},
      {"9223372036854775808", std::nullopt, "no time in seconds"},
      {"Unknown", std::nullopt, "no time in seconds"},
      {"2027-01-15T08:00:00", std::nullopt, "no time in seconds"},
      {" 1800003600", std::nullopt, "no time in seconds"},
  };
  for (const auto& [text, end, note] : cases) {
    std::vector<std::string> notes;
    const auto found = SlurmJobEnd(
        [&, text = text](const std::string& name) {
          EXPECT_EQ(name, "SLURM_JOB_END_TIME");
          return text;
        },
        kNow, [&](std::string_view said) { notes.emplace_back(said); });
    EXPECT_EQ(found, end) << text.value_or("none");
    if (note.empty()) {
      EXPECT_THAT(notes, testing::IsEmpty()) << text.value_or("none");
    } else {
      EXPECT_THAT(notes, ElementsAre(HasSubstr(note))) << text.value_or("none");
    }
  }
}

}  // namespace
}  // namespace pipeline
