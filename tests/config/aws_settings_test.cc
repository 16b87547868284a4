// AWS's standard settings: which ones set options, which ones give a note, and their precedence.
#include "config/aws_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/aws_world.h"

namespace config {
namespace aws_settings_test {

using namespace test;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(AwsSettings, SwitchesOfAwsEndpoints) {
  Check({
      {"dualstack",
       {{"AWS_USE_DUALSTACK_ENDPOINT", "True"}},
       "",
       "destination.dualstack",
       "dualstack: true  # AWS_USE_DUALSTACK_ENDPOINT"},
      {"a variable's false before the profile",
       {{"AWS_USE_DUALSTACK_ENDPOINT", "false"}},
       "[default]\nuse_dualstack_endpoint = true\n",
       "destination.dualstack",
       "dualstack: false  # AWS_USE_DUALSTACK_ENDPOINT"},
      {"nested dualstack",
       {},
       "[default]\ns3 =\n  use_dualstack_endpoint = true\n",
       "destination.dualstack",
       "dualstack: true  # ~/.aws/config [default] s3.use_dualstack_endpoint"},
      {"fips",
       {},
       "[default]\nuse_fips_endpoint = true\n",
       "destination.fips",
       "fips: true  # ~/.aws/config [default] use_fips_endpoint"},
      {"fips that is not there",
       {{"AWS_USE_FIPS_ENDPOINT", "true"}, {"AWS_REGION", "cn-north-1"}},
       "",
       "destination.fips",
       "fips is not available in region cn-north-1 (region is from AWS_REGION, fips is from "
       "AWS_USE_FIPS_ENDPOINT)"},
      {"no boolean",
       {{"AWS_USE_FIPS_ENDPOINT", "maybe"}},
       "",
       "destination.fips",
       "AWS_USE_FIPS_ENDPOINT: 'maybe' is not one of true, false"},
      {"dualstack beside an endpoint",
       {{"AWS_USE_DUALSTACK_ENDPOINT", "true"}, {"AWS_ENDPOINT_URL", "http://a"}},
       "",
       "destination.dualstack",
       "dualstack: false  # default"},
      {"the job's fips beside a variable's endpoint",
       {{"AWS_ENDPOINT_URL", "http://a"}},
       "",
       "destination.fips",
       "not for a custom endpoint (endpoint is from AWS_ENDPOINT_URL)",
       JobWith("  fips: true\n")},
      {"accelerate",
       {},
       "[default]\ns3 =\n  use_accelerate_endpoint = true\n",
       "destination.accelerate",
       "accelerate: true  # ~/.aws/config [default] s3.use_accelerate_endpoint"},
  });
}

TEST(AwsSettings, AddressingAndAttempts) {
  Check({
      {"addressing",
       {},
       "[default]\ns3 =\n  addressing_style = path\n",
       "destination.addressing",
       "addressing: path  # ~/.aws/config [default] s3.addressing_style"},
      {"no addressing",
       {},
       "[default]\ns3 =\n  addressing_style = odd\n",
       "destination.addressing",
       "~/.aws/config [default] s3.addressing_style: 'odd' is not one of auto, path, virtual"},
      {"max_attempts",
       {{"AWS_MAX_ATTEMPTS", "3"}},
       "[default]\nmax_attempts = 4\n",
       "retry.max_attempts",
       "max_attempts: 3  # AWS_MAX_ATTEMPTS"},
      {"no max_attempts",
       {},
       "[default]\nmax_attempts = x\n",
       "retry.max_attempts",
       "~/.aws/config [default] max_attempts: retry.max_attempts: 'x' is not a whole number"},
      {"the job's attempts",
       {{"AWS_MAX_ATTEMPTS", "x"}},
       "",
       "retry.max_attempts",
       "max_attempts: 5  # job.yaml:5:24",
       JobWith("retry: { max_attempts: 5}\n")},
      {"nonsense that is not followed either",
       {{"AWS_RETRY_MODE", "nonsense"}},
       "",
       "retry.cap",
       "AWS_RETRY_MODE: 'nonsense' is not one of legacy, standard, adaptive"},
  });
}

TEST(AwsSettings, CertificateAuthorities) {
  Check({
      {"no CA bundle",
       {{"AWS_CA_BUNDLE", "/nonexistent/ca.pem"}},
       "",
       "destination.ca_file",
       "AWS_CA_BUNDLE: cannot read the CA bundle /nonexistent/ca.pem: No such file or directory"},
      {"no CA bundle of the profile",
       {},
       "[default]\nca_bundle = /nonexistent/ca.pem\n",
       "destination.ca_file",
       "~/.aws/config [default] ca_bundle: cannot read the CA bundle"},
      {"CA bundle",
       {{"AWS_CA_BUNDLE", "/dev/null"}},
       "",
       "destination.ca_file",
       "ca_file: /dev/null  # AWS_CA_BUNDLE"},
      {"CA directory",
       {{"AWS_CA_BUNDLE", "/usr"}},
       "",
       "destination.ca_directory",
       "ca_directory: /usr  # AWS_CA_BUNDLE"},
      {"OpenSSL's file",
       {{"SSL_CERT_FILE", "/dev/null"}},
       "",
       "destination.ca_file",
       "ca_file: /dev/null  # SSL_CERT_FILE"},
      {"OpenSSL's directories beside its file",
       {{"SSL_CERT_FILE", "/dev/null"}, {"SSL_CERT_DIR", "/usr:/etc"}},
       "",
       "destination.ca_directory",
       "ca_directory: \"/usr:/etc\"  # SSL_CERT_DIR"},
      {"AWS's bundle wins",
       {{"AWS_CA_BUNDLE", "/dev/null"}, {"SSL_CERT_FILE", "/nonexistent"}, {"SSL_CERT_DIR", "/usr"}},
       "",
       "destination.ca_directory",
       "ca_directory: \"\"  # default"},
      {"the job wins, even with an empty value",
       {{"SSL_CERT_FILE", "/nonexistent"}, {"SSL_CERT_DIR", "/nonexistent"}},
       "",
       "destination.ca_directory",
       "ca_directory: \"\"  # default",
       JobWith("  ca_file: ''\n")},
      {"no file of OpenSSL",
       {{"SSL_CERT_FILE", "/nonexistent/ca.pem"}},
       "",
       "destination.ca_file",
       "SSL_CERT_FILE: cannot read the certificate authorities /nonexistent/ca.pem: No such file"},
      {"a relative file of OpenSSL",
       {{"SSL_CERT_FILE", "ca.pem"}},
       "",
       "destination.ca_file",
       "SSL_CERT_FILE: cannot read the certificate authorities ca.pem: the path is not absolute"},
      {"a file among OpenSSL's directories",
       {{"SSL_CERT_DIR", "/usr:/dev/null"}},
       "",
       "destination.ca_directory",
       "SSL_CERT_DIR: cannot read the certificate authorities /dev/null: it is not a directory"},
      {"the job's authorities",
       {{"AWS_CA_BUNDLE", "/nonexistent"}},
       "",
       "destination.ca_file",
       "ca_file: \"\"  # default",
       JobWith("  ca_directory: /usr\n")},
  });
}

TEST(AwsSettings, FilesThatCannotBeReadMayHaveNamedAnEndpoint) {
  Check({
      {"a profile that is not there",
       {{"AWS_PROFILE", "gone"}},
       "",
       "destination.endpoint",
       "there is no profile [gone] (AWS_PROFILE)"},
      {"a profile that is not there, and an endpoint",
       {{"AWS_PROFILE", "gone"}},
       "",
       "destination.endpoint",
       "endpoint: \"http://job:6\"  # job.yaml:5:13",
       JobWith("  endpoint: http://job:6\n")},
      {"a config file that is not there",
       {{"AWS_CONFIG_FILE", "/nonexistent"}},
       "",
       "destination.endpoint",
       "cannot read /nonexistent"},
      {"a config file that is not a regular file",
       {{"AWS_CONFIG_FILE", "/dev/null"}},
       "",
       "destination.endpoint",
       "/dev/null is not a regular file: correct it, or write the endpoint into the job file"},
      {"a huge config file",
       {},
       std::string((1 << 20) + 1, '#'),
       "destination.endpoint",
       "is larger than 1 MiB"},
      {"a huge config file, and a variable",
       {{"AWS_ENDPOINT_URL", "http://all:4"}},
       std::string((1 << 20) + 1, '#'),
       "destination.endpoint",
       "endpoint: \"http://all:4\"  # AWS_ENDPOINT_URL"},
  });
}

TEST(AwsSettings, SetWinsOverAllOtherSources) {
  AwsWorld world;
  world.variables["AWS_ENDPOINT_URL"] = "http://a";
  EXPECT_EQ(world.Shown("destination.endpoint", kJob, {"destination.endpoint=http://set:1"}),
            "endpoint: \"http://set:1\"  # --set destination.endpoint");
}

TEST(AwsSettings, TheCredentialsFileComesBeforeTheConfigFile) {
  AwsWorld world;
  world.home.Write(".aws/config", "[default]\nregion = a\n");
  world.home.Write(".aws/credentials", "[default]\nregion = b\n");
  EXPECT_EQ(world.Shown("destination.region"), "region: b  # ~/.aws/credentials [default] region");
}

TEST(AwsSettings, ShownSettingsReadBack) {
  AwsWorld world;
  world.variables = {{"AWS_ENDPOINT_URL", "http://a:1"}, {"AWS_MAX_ATTEMPTS", "3"}};
  const auto job = world.Load();
  ASSERT_TRUE(job);
  AwsWorld nothing;
  const auto again = nothing.Load(ShowJob(*job, true));
  ASSERT_TRUE(again) << FormatProblems(again.error());
  EXPECT_EQ(ShowJob(*again), ShowJob(*job));
}

// Each setting that is not followed gives one note, which names the key of the job file to use instead. A
// value that describes what s3flow does anyway gives no note.
TEST(AwsSettings, ASettingThatIsNotFollowedGivesANote) {
  for (const auto& row : AwsSettings()) {
    if (row.followed) continue;
    const auto words = std::string(row.words);
    auto other = words.empty() ? "5" : words.substr(0, words.find('|'));
    if (other == row.same) other = words.substr(words.rfind('|') + 1);
    for (const bool same : {false, true}) {
      if (same && row.same.empty()) continue;
      const auto value = same ? std::string(row.same) : other;
      AwsWorld by_variable, by_profile;
      if (!row.variable.empty()) by_variable.variables[std::string(row.variable)] = value;
      const auto dot = row.name.find('.');
      by_profile.home.Write(".aws/config", dot == std::string::npos
                                               ? fmt::format("[default]\n{} = {}\n", row.name, value)
                                               : fmt::format("[default]\ns3 =\n    {} = {}\n",
                                                             row.name.substr(dot + 1), value));
      if (row.name.empty()) by_profile.home.Write(".aws/config", "");
      const bool noted_by_variable = !same && !row.variable.empty(),
                 noted_by_profile = !same && !row.name.empty();
      for (auto [world, noted] :
           {std::pair(&by_variable, noted_by_variable), {&by_profile, noted_by_profile}}) {
        const auto job = world->Load();
        ASSERT_TRUE(job) << row.name << FormatProblems(job.error());
        if (!noted) {
          EXPECT_THAT(job->notes, IsEmpty()) << row.name;
          continue;
        }
        ASSERT_EQ(job->notes.size(), 1u) << row.name;
        EXPECT_THAT(job->notes[0], HasSubstr("has no effect")) << row.name;
        EXPECT_THAT(job->notes[0], HasSubstr(std::string(row.key))) << row.name;
        EXPECT_THAT(job->notes[0], HasSubstr(std::string(world == &by_variable ? row.variable : row.name)));
      }
    }
  }
}

TEST(AwsSettings, AnIgnoredSettingGivesANote) {
  const std::pair<Variables, const char*> cases[] = {
      {{{"AWS_USE_FIPS_ENDPOINT", "true"}, {"AWS_ENDPOINT_URL", "http://a"}},
       "AWS_USE_FIPS_ENDPOINT has no effect: the endpoint is not AWS's"},
      {{{"AWS_ENDPOINT_URL", "http://a"}, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}},
       "AWS_ENDPOINT_URL is ignored, as AWS_IGNORE_CONFIGURED_ENDPOINT_URLS says"},
  };
  for (const auto& [variables, note] : cases) {
    AwsWorld world;
    world.variables = variables;
    const auto job = world.Load();
    ASSERT_TRUE(job);
    EXPECT_THAT(job->notes, testing::ElementsAre(note));
  }
}

TEST(AwsSettings, TheDocumentHasEverySetting) {
  const auto text = test::ReadAll(std::string(TESTS_DIR) + "/../config/AWS.md");
  for (const auto& row : AwsSettings()) {
    for (const auto name : {row.name, row.variable}) {
      const auto wanted = name.empty() ? "" : fmt::format("`{}`", name);
      EXPECT_THAT(text, HasSubstr(wanted));
    }
    EXPECT_THAT(text, HasSubstr(row.key.empty() ? "" : fmt::format("`{}`", row.key)));
  }
}

}  // namespace aws_settings_test
}  // namespace config
