#include "config/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "config/descriptions.h"
#include "config/faults.h"
#include "config/job.h"
#include "tests/support/support.h"

namespace config {
namespace reference_test {

using testing::HasSubstr;
using testing::Not;

// S3FLOW_WRITE_REFERENCE=1 writes the page anew, for a review with git diff.
TEST(ReferenceTest, PageIsWhatTheTableSays) {
  const std::string path = TESTS_DIR "/../config/REFERENCE.md";
  if (std::getenv("S3FLOW_WRITE_REFERENCE") != nullptr) std::ofstream(path) << Reference();
  EXPECT_EQ(test::ReadAll(path), Reference()) << "write it anew: S3FLOW_WRITE_REFERENCE=1 config_tests";
}

TEST(ReferenceTest, EachKeyHasAMeaningAndEachMeaningAKey) {
  EXPECT_THAT(Reference(), Not(HasSubstr("undescribed")));
  EXPECT_THAT(Reference(), Not(HasSubstr("|  |"))) << "a cell is empty";
  const auto keys = AllKeys();
  std::set<std::string> described;
  for (const auto& entry : Descriptions()) {
    EXPECT_TRUE(described.insert(entry.key).second) << entry.key << " is described twice";
  }
  EXPECT_EQ(described, std::set<std::string>(keys.begin(), keys.end()));
}

TEST(ReferenceTest, EveryExampleOfAFaultLoads) {
  for (const auto& entry : FaultDescriptions()) {
    const auto name = std::string(entry.key).substr(std::string("faults[].").size());
    const auto action = name == "action" ? "" : "action: status, ";
    const auto text = std::string("faults: [{") + action + name + ": " + entry.example + "}]";
    EXPECT_TRUE(ParseFaults(text, "faults.yaml", [](const std::string&) { return std::nullopt; })) << text;
  }
}

// An example that the loader refuses would mislead.
TEST(ReferenceTest, EveryExampleLoads) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "MY_KEY") return "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    if (name == "MY_PROXY") return "http://proxy.example:3128";
    return name.starts_with("MY_") ? std::optional<std::string>("value") : std::nullopt;
  };
  for (const auto& entry : Descriptions()) {
    const std::string key = entry.key;
    const auto dot = key.rfind('.');
    const auto section = key.substr(0, dot), name = key.substr(dot + 1);
    std::string source = "  - path: data\n", rest;
    if (section == "source[]") {
      if (name != "path") source += "    " + name + ": " + entry.example + "\n";
      if (name == "key" || name == "size")
        source = "  - path: \"-\"\n    stream: true\n    key: k\n    size: 1\n";
      if (name == "stream") source = "  - path: \"-\"\n    stream: true\n    key: k\n";
    } else if (key != "destination.bucket") {
      rest = (section == "destination" ? "  " : section + ":\n  ") + name + ": " + entry.example + "\n";
    }
    if (name == "client_key") rest += "  client_certificate: client.pem\n";
    if (name == "checksum_as") rest += "  payload: unsigned\n";
    if (name == "lock_mode") rest += "  lock_until: 2027-01-31T00:00:00Z\n";
    if (name == "lock_until") rest += "  lock_mode: governance\n";
    if (name == "kms_key_id") rest += "  encryption: kms\n";
    if (name == "access_key_id") rest += "  secret_access_key: s\n";
    if (name == "secret_access_key" || name == "session_token") rest += "  access_key_id: AKID\n";
    if (name == "session_token") rest += "  secret_access_key: s\n";
    const auto text = "source:\n" + source + "destination:\n  bucket: results\n" + rest;
    const auto job = ParseJob(text, "job.yaml", {}, environment);
    EXPECT_TRUE(job) << text << (job ? "" : FormatProblems(job.error()));
  }
}

}  // namespace reference_test
}  // namespace config
