// An environment and AWS's shared files, for tests of the settings that a job reads from them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "config/aws_settings.h"
#include "config/job.h"
#include "tests/support/support.h"

namespace test {

using Variables = std::map<std::string, std::string>;

inline constexpr const char* kJob = "source:\n  - path: ./data\ndestination:\n  bucket: results\n";

struct AwsWorld {
  config::Loaded<config::Job> Load(const std::string& text = kJob,
                                   const std::vector<std::string>& sets = {}) {
    variables.try_emplace("HOME", home.path());
    const s3::Environment environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
    };
    return config::ParseJob(text, "job.yaml", sets, environment, [&](const std::string& profile) {
      return config::FindAwsSettings(s3::Profiles::LoadSettings(environment), profile, environment);
    });
  }

  // Returns the line of `check` for the key ("region: eu-west-1 # SOURCE"), or the problems. Replaces the
  // home directory by "~".
  std::string Shown(const std::string& key, const std::string& text = kJob,
                    const std::vector<std::string>& sets = {}) {
    const auto job = Load(text, sets);
    if (!job) return WithoutHome(config::FormatProblems(job.error()));
    const auto dot = key.find('.');
    bool inside = false;
    for (const auto& line : Lines(config::ShowJob(*job, true))) {
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

  TempDir home;
  Variables variables;
};

struct AwsCase {
  const char* name;
  Variables variables;
  std::string config;  // the content of ~/.aws/config
  const char* key;
  const char* shown;  // a part of the line of `check`, or of the problem
  std::string job = kJob;
};

inline std::string JobWith(const std::string& more) { return kJob + more; }

inline void Check(const std::vector<AwsCase>& cases) {
  for (const auto& one : cases) {
    AwsWorld world;
    world.variables = one.variables;
    if (!one.config.empty()) world.home.Write(".aws/config", one.config);
    EXPECT_THAT(world.Shown(one.key, one.job), testing::HasSubstr(one.shown)) << one.name;
  }
}

}  // namespace test
