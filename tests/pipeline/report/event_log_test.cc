// Events as lines of text and JSON.
#include "pipeline/report/event_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "s3/base/printable.h"
#include "s3/base/unique_fd.h"
#include "tests/support/memory_stream.h"
#include "tests/support/support.h"

namespace pipeline {
namespace event_log_test {

using testing::HasSubstr;
using testing::MatchesRegex;

const Event kFailed{
    .name = "failed", .text = "failed  p: why", .fields = {{"path", "p"}, {"attempts", std::uint64_t{2}}}};
constexpr char kTimed[] = "[0-9-]+T[0-9:]+[+-][0-9:]+ failed  p: why\n";

TEST(EventLogTest, TextHasATimeStampWhereThereIsNoTerminal) {
  const test::MemoryStream out;
  EventLog({}, out.file(), -1).Write(kFailed);
  EXPECT_THAT(out.Written(), MatchesRegex(kTimed));
}

TEST(EventLogTest, JsonIsOneObject) {
  const test::MemoryStream out;
  EventLog({.log_format = LogFormat::kJson}, out.file(), -1).Write(kFailed);
  const auto json = nlohmann::json::parse(out.Written());
  EXPECT_EQ(json.at("event"), "failed");
  EXPECT_EQ(json.at("path"), "p");
  EXPECT_EQ(json.at("attempts"), 2);
  EXPECT_EQ(test::Lines(out.Written()).size(), 1u);
}

TEST(EventLogTest, ALogFileGetsTheSameEventsInItsOwnFormat) {
  const test::TempDir directory;
  const test::MemoryStream out;
  const s3::UniqueFd file(open((directory / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
  EventLog({.log_format = LogFormat::kJson}, out.file(), file.get()).Write(kFailed);
  EXPECT_THAT(out.Written(), MatchesRegex(kTimed));
  EXPECT_EQ(nlohmann::json::parse(test::ReadAll(directory / "log")).at("event"), "failed");
}

TEST(EventLogTest, HostileBytesStayInTheirLine) {
  const auto hostile =
      std::string(test::kHostile) + "\xe2\x9d\xa4\xef\xb8\x8f\x7f";  // a hidden selector, and DEL
  const auto json = EventJson({.name = "note", .fields = {{"message", hostile}}}, "now");
  EXPECT_EQ(s3::PrintableLine(json), json) << "the terminal's escapes damage it";
  EXPECT_EQ(test::Lines(json).size(), 1u);
  EXPECT_TRUE(nlohmann::json::accept(json));
  EXPECT_THAT(json, HasSubstr("\\u001b[2J"));
}

}  // namespace event_log_test
}  // namespace pipeline
