// The example files load, and complete.yaml is complete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "config/job.h"
#include "config/schema.h"
#include "tests/support/job_text.h"
#include "tests/support/support.h"

namespace config {
namespace examples_test {

using test::kSmallest;
using test::Parse;
using test::ProblemsOf;

// complete.yaml documents every key. A key that is missing there fails this test.
TEST(Examples, CompleteHasEveryKeyAndLoads) {
  const auto text = test::ReadAll(std::string(TESTS_DIR) + "/../config/examples/complete.yaml");
  const auto job = Parse(text);
  ASSERT_TRUE(job) << ProblemsOf(job);
  std::string section;
  std::set<std::string> named;
  for (const auto& line : test::Lines(text)) {
    const auto key_begin = line.find_first_not_of(" -");
    const auto colon = line.find(':');
    if (key_begin == std::string::npos || line[key_begin] == '#' || colon == std::string::npos) continue;
    const auto key = line.substr(key_begin, colon - key_begin);
    if (key_begin == 0) {
      section = key == "source" ? "source[]" : key;
    } else {
      named.insert(section + "." + key);
    }
  }
  for (const auto& key : AllKeys()) EXPECT_TRUE(named.contains(key)) << key << " is not in complete.yaml";
  EXPECT_EQ(named.size(), AllKeys().size());
}

TEST(Examples, CompleteHasTheDefaults) {
  const auto complete = Parse(test::ReadAll(std::string(TESTS_DIR) + "/../config/examples/complete.yaml"));
  const auto smallest = Parse(kSmallest);
  ASSERT_TRUE(complete && smallest);
  // `source` and `bucket` are the same in both; everything else is a default.
  EXPECT_EQ(ShowJob(*complete), ShowJob(*smallest)) << "a default changed, and the example did not";
}

}  // namespace examples_test
}  // namespace config
