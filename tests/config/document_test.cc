#include "config/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/faults.h"
#include "config/job.h"
#include "tests/support/job_text.h"
#include "tests/support/mutator.h"
#include "tests/support/support.h"

namespace config {
namespace document_test {

using test::kSmallest;
using test::Parse;

// No bytes may cause a crash or an exception.
TEST(Document, AnyBytesGiveAValueOrProblems) {
  auto random = test::SeededRandom();
  const std::string alphabet = "abc:-[]{}#&*!|>'\"%@`,?\n\n  \t${}x1~<.\\\xc3\xa9";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = i % 2 == 0 ? "" : kSmallest;
    for (auto size = random() % 60; size > 0; --size)
      text.insert(random() % (text.size() + 1), 1, alphabet[random() % alphabet.size()]);
    (void)Parse(text);
  }
}

TEST(ExpandVariables, ReplacesVariablesAndKeepsTheirNamesInTheLiteral) {
  const s3::Environment environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "SET" ? std::optional<std::string>("value") : std::nullopt;
  };
  std::vector<Problem> problems;
  const auto expanded = ExpandVariables("a${SET}b${UNSET:-default}c$${SET}", environment, "here", &problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(expanded.text, "avaluebdefaultc${SET}");
  EXPECT_EQ(expanded.literal, "abdefaultc${SET}");
  EXPECT_TRUE(expanded.has_variables);
  ExpandVariables("${UNSET} ", environment, "here", &problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].what,
            "the environment variable UNSET is not set: set it, or write ${UNSET:-default}");
}

TEST(ParseDocument, ValuesKnowTheirPosition) {
  const auto document = ParseDocument("a:\n  - x\n  - {b: y}\n", "f.yaml", s3::ProcessEnvironment());
  ASSERT_TRUE(document.problems.empty());
  const auto* list = document.root.Find("a");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->items[0].where, "f.yaml:2:5");
  EXPECT_EQ(list->items[1].Find("b")->where, "f.yaml:3:9");
}

TEST(SplitTextListTest, SplitsAtCommasOutsideQuotes) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(SplitTextList("[*.csv, 'b, c' ,\"d\"]").value_or(Texts{}), (Texts{"*.csv", "b, c", "d"}));
  EXPECT_EQ(SplitTextList("[a b]").value_or(Texts{}), (Texts{"a b"}));
  EXPECT_EQ(SplitTextList("[]").value_or(Texts{"x"}), Texts{});
  for (const auto* text : {"", "[", "a", "[ab]*", "['a]", "['a'b]"})
    EXPECT_FALSE(SplitTextList(text)) << text;
}

}  // namespace document_test
}  // namespace config
