#include "pipeline/cli/topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace cli {
namespace topics_test {

using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;

TEST(TopicsTest, EveryNameHasAText) {
  for (const auto& name : TopicNames()) {
    const auto text = TopicText(name);
    ASSERT_TRUE(text) << name;
    EXPECT_FALSE(text->empty()) << name;
  }
}

TEST(TopicsTest, NamesAreThoseOfTopicsSectionsAndKeys) {
  const auto names = TopicNames();
  EXPECT_THAT(names, IsSupersetOf({"exit-status", "job", "source", "upload", "limits", "upload.part_size",
                                   "part_size", "source.path", "path"}));
  for (const auto& topic : Topics()) EXPECT_THAT(names, Contains(topic.name));
  for (const auto& section : Sections()) EXPECT_THAT(names, Contains(section));
}

TEST(TopicsTest, SectionsAreNamedOnceInTheOrderOfTheJobFile) {
  const auto sections = Sections();
  EXPECT_EQ(sections.front(), "source");
  EXPECT_EQ(std::set(sections.begin(), sections.end()).size(), sections.size());
  EXPECT_THAT(sections, IsSupersetOf({"destination", "report"}));
}

TEST(TopicsTest, ASectionsTextNamesAndExplainsItsKeys) {
  const auto text = TopicText("upload").value();
  EXPECT_THAT(text, HasSubstr("upload: concurrency threads"));
  EXPECT_THAT(text, HasSubstr("upload.part_size: size"));
  EXPECT_THAT(text, HasSubstr(TopicText("upload.part_size").value()));
}

// credentials.profile and destination.profile.
TEST(TopicsTest, AKeyOfSeveralSectionsHasAllTheirTexts) {
  const auto text = TopicText("profile").value();
  for (const auto* key : {"credentials.profile", "destination.profile"}) {
    EXPECT_THAT(text, HasSubstr(TopicText(key).value()));
  }
}

TEST(TopicsTest, LinesFitATerminal) {
  for (const auto* name : {"job", "exit-status", "environment", "destination"}) {
    const auto text = TopicText(name).value();
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
      EXPECT_LE(end - begin, 110u) << text.substr(begin, end - begin);
      begin = end + 1;
    }
  }
}

TEST(TopicsTest, OtherNamesHaveNoText) {
  for (const auto* name : {"", "uploads", "upload.", ".part_size", "source[].path"}) {
    EXPECT_FALSE(TopicText(name)) << name;
  }
}

}  // namespace topics_test
}  // namespace cli
