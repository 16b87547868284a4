#include "s3/credentials/providers/profiles.h"

#include <sys/stat.h>

#include "tests/support/provider_world.h"

namespace s3 {
namespace profiles_test {

using namespace test;
using testing::HasSubstr;

TEST(ParseIni, ReadsSectionsAndSettings) {
  const auto file = ParseIni(
      "outside = x\n# comment\n[default]\nAWS_Access_Key_Id: upper\nregion=a=b # kept\n\n[ spaced ]\n  one = "
      "1\n"
      "  two = 2\n    nested = 3\n  three = 4\n[default]\nmore = y\n[broken\nlost = z\n");
  ASSERT_EQ(file.size(), 2u);
  const auto& settings = file.at("default");
  EXPECT_EQ(settings.at("aws_access_key_id").Reveal(), "upper");
  EXPECT_EQ(settings.at("region").Reveal(), "a=b # kept");
  EXPECT_EQ(settings.at("more").Reveal(), "y");
  EXPECT_FALSE(settings.contains("lost"));
  EXPECT_EQ(file.at("spaced").size(), 3u) << "a line that is indented more belongs to the setting before it";
}

TEST(Profiles, AFileThatOthersMayReadGivesAWarning) {
  World world;
  const auto path = world.home.Write(".aws/credentials", kKeys);
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(world.Outcome(), "FILEID");
  ASSERT_EQ(world.warnings.size(), 1u);
  EXPECT_THAT(world.warnings[0], HasSubstr("mode 0644"));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(world.Outcome(), "FILEID");
  EXPECT_EQ(world.warnings.size(), 1u);
}

}  // namespace profiles_test
}  // namespace s3
