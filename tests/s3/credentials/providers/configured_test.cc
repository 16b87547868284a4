#include "s3/credentials/providers/configured.h"

#include "tests/support/provider_world.h"

namespace s3 {
namespace configured_test {

using namespace test;
using testing::HasSubstr;

TEST(Configured, EndpointsOfServicesAreFoundInTheOrderOfTheGuide) {
  World double_of_sts;
  const auto url = double_of_sts.service.url();
  const std::string nowhere = "http://127.0.0.1:9";
  struct Found {
    const char* name;
    Variables environment;
    std::string more;  // of the profile, and what follows it
  };
  const Found cases[] = {
      {"service's variable", {{"AWS_ENDPOINT_URL_STS", url}, {"AWS_ENDPOINT_URL", nowhere}}, ""},
      {"variable", {{"AWS_ENDPOINT_URL", url}}, "endpoint_url = " + nowhere + "\n"},
      {"services",
       {},
       "services = s\nendpoint_url = " + nowhere + "\n[services s]\nsts =\n  endpoint_url = " + url + "\n"},
      {"profile", {}, "endpoint_url = " + url + "\n"},
  };
  for (const auto& one : cases) {
    World world;
    world.environment =
        With(With(one.environment, {{"AWS_PROFILE", "r"}, {"AWS_ENDPOINT_URL_STS", ""}}), world.environment);
    world.Write("config",
                "[profile base]\naws_access_key_id = B\naws_secret_access_key = s\n[profile r]\nrole_arn = "
                "arn:aws:iam::1:role/r\nsource_profile = base\n" +
                    one.more);
    const auto before = double_of_sts.service.calls().size();
    EXPECT_EQ(world.Outcome(), "STSID") << one.name;
    EXPECT_EQ(double_of_sts.service.calls().size(), before + 1) << one.name;
  }
  World wrong;
  wrong.environment = With({{"AWS_PROFILE", "r"}, {"AWS_ENDPOINT_URL_STS", "sts:1"}}, wrong.environment);
  wrong.Write("config", kRole);
  EXPECT_THAT(wrong.Outcome(), HasSubstr("AWS_ENDPOINT_URL_STS: endpoint 'sts:1' has no scheme"));
}

TEST(Configured, TheProfileConfiguresTheMetadataService) {
  const std::pair<const char*, const char*> cases[] = {
      {"ec2_metadata_service_endpoint_mode = IPv6\n", "[fd00:ec2::254]"},
      {"imds_use_ipv6 = true\n", "[fd00:ec2::254]"},
      {"ec2_metadata_service_endpoint = http://169.254.0.1\n", "169.254.0.1"},
  };
  for (const auto& [setting, host] : cases) {
    World world;
    world.Write("config", std::string("[default]\n") + setting);
    EXPECT_EQ(world.Outcome(), "IMDSID") << setting;
    EXPECT_EQ(world.local.at(0), host);
  }
  World wrong;
  wrong.Write("config", "[default]\nmetadata_service_timeout = x\n");
  EXPECT_THAT(wrong.Outcome(), HasSubstr("must be a number of seconds"));
}

}  // namespace configured_test
}  // namespace s3
