// The endpoint and the region from AWS's settings.
#include "config/aws_settings.h"

#include "tests/support/aws_world.h"

namespace config {
namespace aws_endpoint_test {

using namespace test;

TEST(AwsEndpoint, VariablesComeBeforeServicesAndProfile) {
  const std::string services =
      "[default]\nservices = lab\nendpoint_url = http://profile:1\n[services lab]\ns3 =\n  endpoint_url = "
      "http://services:2\nsts =\n  endpoint_url = http://sts:3\n";
  const Variables both{{"AWS_ENDPOINT_URL", "http://all:4"}, {"AWS_ENDPOINT_URL_S3", "http://s3:5"}};
  Check({
      {"nothing", {}, "", "destination.endpoint", "endpoint: \"\"  # default"},
      {"AWS_ENDPOINT_URL",
       {{"AWS_ENDPOINT_URL", "http://all:4"}},
       "",
       "destination.endpoint",
       "endpoint: \"http://all:4\"  # AWS_ENDPOINT_URL"},
      {"service before global", both, services, "destination.endpoint",
       "endpoint: \"http://s3:5\"  # AWS_ENDPOINT_URL_S3"},
      {"global variable before services",
       {{"AWS_ENDPOINT_URL", "http://all:4"}},
       services,
       "destination.endpoint",
       "endpoint: \"http://all:4\"  # AWS_ENDPOINT_URL"},
      {"services before profile",
       {},
       services,
       "destination.endpoint",
       "endpoint: \"http://services:2\"  # ~/.aws/config [services lab] s3.endpoint_url"},
      {"profile",
       {{"AWS_PROFILE", "p"}},
       "[profile p]\nendpoint_url = http://profile:1\n",
       "destination.endpoint",
       "endpoint: \"http://profile:1\"  # ~/.aws/config [profile p] endpoint_url"},
  });
}

TEST(AwsEndpoint, TheProfileIsChosenByTheJobThenByVariables) {
  Check({
      {"AWS_DEFAULT_PROFILE",
       {{"AWS_DEFAULT_PROFILE", "p"}},
       "[profile p]\nregion = eu-west-3\n",
       "destination.region",
       "region: eu-west-3  # ~/.aws/config [profile p] region"},
      {"AWS_PROFILE before AWS_DEFAULT_PROFILE",
       {{"AWS_DEFAULT_PROFILE", "q"}, {"AWS_PROFILE", "p"}},
       "[profile p]\nregion = eu-west-3\n",
       "destination.region",
       "region: eu-west-3  # ~/.aws/config [profile p] region"},
      {"the job's profile before AWS_PROFILE",
       {{"AWS_PROFILE", "q"}},
       "[profile p]\nregion = eu-west-3\n",
       "destination.region",
       "region: eu-west-3  # ~/.aws/config [profile p] region",
       JobWith("credentials: {profile: p}\n")},
  });
}

TEST(AwsEndpoint, IgnoredAndInvalidOnes) {
  const std::string services =
      "[default]\nservices = lab\nendpoint_url = http://profile:1\n[services lab]\ns3 =\n  endpoint_url = "
      "http://services:2\nsts =\n  endpoint_url = http://sts:3\n";
  Check({
      {"another service's section is none",
       {},
       "[default]\nservices = x\n[services x]\nsts =\n  endpoint_url = http://a\n",
       "destination.endpoint",
       "endpoint: \"\"  # default"},
      {"a section that is not there",
       {},
       "[default]\nservices = gone\n",
       "destination.endpoint",
       "there is no section [services gone]"},
      {"ignored by a variable",
       {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE"}, {"AWS_ENDPOINT_URL", "http://a"}},
       services,
       "destination.endpoint",
       "endpoint: \"\"  # default"},
      {"ignored by the profile",
       {{"AWS_ENDPOINT_URL_S3", "http://a"}},
       "[default]\nignore_configured_endpoint_urls = true\n",
       "destination.endpoint",
       "endpoint: \"\"  # default"},
      {"a line end behind an endpoint",
       {{"AWS_ENDPOINT_URL", "http://all:4\r\n"}},
       "",
       "destination.endpoint",
       "AWS_ENDPOINT_URL: destination.endpoint: endpoint"},
      {"a line end behind a region",
       {{"AWS_REGION", "eu-west-1\r"}},
       "",
       "destination.region",
       "AWS_REGION: destination.region:"},
      {"no scheme",
       {{"AWS_ENDPOINT_URL", "minio:9000"}},
       "",
       "destination.endpoint",
       "AWS_ENDPOINT_URL: destination.endpoint: endpoint 'minio:9000' has no scheme"},
  });
}

TEST(AwsEndpoint, TheJobFileWins) {
  const std::string services =
      "[default]\nservices = lab\nendpoint_url = http://profile:1\n[services lab]\ns3 =\n  endpoint_url = "
      "http://services:2\nsts =\n  endpoint_url = http://sts:3\n";
  const Variables both{{"AWS_ENDPOINT_URL", "http://all:4"}, {"AWS_ENDPOINT_URL_S3", "http://s3:5"}};
  Check({
      {"the job's endpoint", both, services, "destination.endpoint",
       "endpoint: \"http://job:6\"  # job.yaml:5:13", JobWith("  endpoint: http://job:6\n")},
      {"AWS of the job", both, services, "destination.endpoint", "endpoint: \"\"  # job.yaml:5:13",
       JobWith("  endpoint: ''\n")},
      {"the job's endpoints", both, "", "destination.endpoint", "endpoint: \"\"  # default",
       JobWith("  endpoints: ['http://job:6']\n")},
  });
}

TEST(AwsRegion, ComesFromTheStoreThenFromVariables) {
  Check({
      {"AWS_REGION first",
       {{"AWS_DEFAULT_REGION", "b"}, {"AWS_REGION", "a"}},
       "[default]\nregion = c\n",
       "destination.region",
       "region: a  # AWS_REGION"},
      {"AWS_DEFAULT_REGION",
       {{"AWS_DEFAULT_REGION", "b"}},
       "[default]\nregion = c\n",
       "destination.region",
       "region: b  # AWS_DEFAULT_REGION"},
      {"no region",
       {{"AWS_REGION", "no region"}},
       "",
       "destination.region",
       "AWS_REGION: destination.region: 'no region' is not a region"},
      {"the store's region",
       {{"AWS_REGION", "a"}},
       "",
       "destination.region",
       "region: us-west-004  # the store's",
       JobWith("  endpoint: https://s3.us-west-004.backblazeb2.com\n")},
  });
}

}  // namespace aws_endpoint_test
}  // namespace config
