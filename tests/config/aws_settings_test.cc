// AWS's standard settings: which reach the options, which are named, and who wins.
#include "config/aws_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "config/job.h"
#include "tests/support/support.h"

namespace config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Variables = std::map<std::string, std::string>;

constexpr const char* kJob = "source:\n  - path: ./data\ndestination:\n  bucket: results\n";

struct World {
  Loaded<Job> Load(const std::string& text = kJob, const std::vector<std::string>& sets = {}) {
    variables.try_emplace("HOME", home.path());
    const s3::Environment environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
    };
    return ParseJob(text, "job.yaml", sets, environment, [&](const std::string& profile) {
      return FindAwsSettings(s3::Profiles::LoadSettings(environment), profile, environment);
    });
  }

  // "destination.region: eu-west-1  # SOURCE", with the home directory as "~"; or the problems.
  std::string Shown(const std::string& key, const std::string& text = kJob,
                    const std::vector<std::string>& sets = {}) {
    const auto job = Load(text, sets);
    if (!job) return WithoutHome(FormatProblems(job.error()));
    const auto dot = key.find('.');
    bool inside = false;
    for (const auto& line : test::Lines(ShowJob(*job, true))) {
      if (!line.starts_with(' ')) inside = line == key.substr(0, dot) + ":";
      if (inside && line.starts_with("  " + key.substr(dot + 1) + ":")) return WithoutHome(line.substr(2));
    }
    return "nothing";
  }

  std::string WithoutHome(std::string text) const {
    for (std::size_t at; (at = text.find(home.path())) != std::string::npos;)
      text.replace(at, home.path().size(), "~");
    return text;
  }

  test::TempDir home;
  Variables variables;
};

struct Case {
  const char* name;
  Variables variables;
  std::string config;  // of the file
  const char* key;
  const char* shown;  // how `check` has the key, or a part of the problem
  std::string job = kJob;
};

std::string JobWith(const std::string& more) { return kJob + more; }

const std::vector<Case>& Cases() {
  static const std::string services =
      "[default]\nservices = lab\nendpoint_url = http://profile:1\n[services lab]\ns3 =\n  endpoint_url = "
      "http://services:2\nsts =\n  endpoint_url = http://sts:3\n";
  static const Variables both{{"AWS_ENDPOINT_URL", "http://all:4"}, {"AWS_ENDPOINT_URL_S3", "http://s3:5"}};
  static const std::vector<Case> cases{
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
      {"the job's endpoint", both, services, "destination.endpoint",
       "endpoint: \"http://job:6\"  # job.yaml:5:13", JobWith("  endpoint: http://job:6\n")},
      {"AWS of the job", both, services, "destination.endpoint", "endpoint: \"\"  # job.yaml:5:13",
       JobWith("  endpoint: ''\n")},
      {"the job's endpoints", both, "", "destination.endpoint", "endpoint: \"\"  # default",
       JobWith("  endpoints: ['http://job:6']\n")},
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
       "AWS_REGION: destination.region: 'no region' is no region"},
      {"the store's region",
       {{"AWS_REGION", "a"}},
       "",
       "destination.region",
       "region: us-west-004  # the store's",
       JobWith("  endpoint: https://s3.us-west-004.backblazeb2.com\n")},
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
       "fips is not to be had in region cn-north-1 (region is from AWS_REGION, fips is from "
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
       "not for an endpoint of one's own (endpoint is from AWS_ENDPOINT_URL)",
       JobWith("  fips: true\n")},
      {"accelerate",
       {},
       "[default]\ns3 =\n  use_accelerate_endpoint = true\n",
       "destination.accelerate",
       "accelerate: true  # ~/.aws/config [default] s3.use_accelerate_endpoint"},
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
      {"the job's authorities",
       {{"AWS_CA_BUNDLE", "/nonexistent"}},
       "",
       "destination.ca_file",
       "ca_file: \"\"  # default",
       JobWith("  ca_directory: /usr\n")},
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
  };
  return cases;
}

TEST(AwsSettingsTest, WhatReachesTheOptionsAndFromWhere) {
  for (const auto& one : Cases()) {
    World world;
    world.variables = one.variables;
    if (!one.config.empty()) world.home.Write(".aws/config", one.config);
    EXPECT_THAT(world.Shown(one.key, one.job), HasSubstr(one.shown)) << one.name;
  }
}

TEST(AwsSettingsTest, SetWinsOverAll) {
  World world;
  world.variables["AWS_ENDPOINT_URL"] = "http://a";
  EXPECT_EQ(world.Shown("destination.endpoint", kJob, {"destination.endpoint=http://set:1"}),
            "endpoint: \"http://set:1\"  # --set destination.endpoint");
}

TEST(AwsSettingsTest, TheCredentialsFileCountsBeforeTheConfigFile) {
  World world;
  world.home.Write(".aws/config", "[default]\nregion = a\n");
  world.home.Write(".aws/credentials", "[default]\nregion = b\n");
  EXPECT_EQ(world.Shown("destination.region"), "region: b  # ~/.aws/credentials [default] region");
}

TEST(AwsSettingsTest, WhatIsShownReadsBack) {
  World world;
  world.variables = {{"AWS_ENDPOINT_URL", "http://a:1"}, {"AWS_MAX_ATTEMPTS", "3"}};
  const auto job = world.Load();
  ASSERT_TRUE(job);
  World nothing;
  const auto again = nothing.Load(ShowJob(*job, true));
  ASSERT_TRUE(again) << FormatProblems(again.error());
  EXPECT_EQ(ShowJob(*again), ShowJob(*job));
}

// Each setting that is not followed is named once, with what a job file has instead; unless it says what is
// done anyway.
TEST(AwsSettingsTest, WhatIsNotFollowedIsNamed) {
  for (const auto& row : AwsSettings()) {
    if (row.followed) continue;
    const auto words = std::string(row.words);
    auto other = words.empty() ? "5" : words.substr(0, words.find('|'));
    if (other == row.same) other = words.substr(words.rfind('|') + 1);
    for (const bool same : {false, true}) {
      if (same && row.same.empty()) continue;
      const auto value = same ? std::string(row.same) : other;
      World by_variable, by_profile;
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
        EXPECT_THAT(job->notes[0], HasSubstr("is not followed")) << row.name;
        EXPECT_THAT(job->notes[0], HasSubstr(std::string(row.key))) << row.name;
        EXPECT_THAT(job->notes[0], HasSubstr(std::string(world == &by_variable ? row.variable : row.name)));
      }
    }
  }
}

TEST(AwsSettingsTest, WhatStandsBackIsNamed) {
  const std::pair<Variables, const char*> cases[] = {
      {{{"AWS_USE_FIPS_ENDPOINT", "true"}, {"AWS_ENDPOINT_URL", "http://a"}},
       "AWS_USE_FIPS_ENDPOINT is not followed: the endpoint is not AWS's"},
      {{{"AWS_ENDPOINT_URL", "http://a"}, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}},
       "AWS_ENDPOINT_URL is ignored, as AWS_IGNORE_CONFIGURED_ENDPOINT_URLS says"},
  };
  for (const auto& [variables, note] : cases) {
    World world;
    world.variables = variables;
    const auto job = world.Load();
    ASSERT_TRUE(job);
    EXPECT_THAT(job->notes, testing::ElementsAre(note));
  }
}

TEST(AwsSettingsTest, TheDocumentHasEverySetting) {
  const auto text = test::ReadAll(std::string(TESTS_DIR) + "/../config/AWS.md");
  for (const auto& row : AwsSettings()) {
    for (const auto name : {row.name, row.variable}) {
      const auto wanted = name.empty() ? "" : fmt::format("`{}`", name);
      EXPECT_THAT(text, HasSubstr(wanted));
    }
    EXPECT_THAT(text, HasSubstr(row.key.empty() ? "" : fmt::format("`{}`", row.key)));
  }
}

}  // namespace
}  // namespace config
