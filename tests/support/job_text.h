// A job file of four lines, and an environment with two variables, for tests of the loader.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/job.h"

namespace test {

inline std::optional<std::string> FakeEnvironment(const std::string& name) {
  if (name == "BUCKET") return "from-env";
  if (name == "SECRET") return "hunter2";
  return std::nullopt;
}

inline constexpr const char* kSmallest = "source:\n  - path: ./data\ndestination:\n  bucket: results\n";

inline config::Loaded<config::Job> Parse(const std::string& text, std::vector<std::string> overrides = {}) {
  return config::ParseJob(text, "job.yaml", overrides, FakeEnvironment);
}

inline std::string ProblemsOf(const config::Loaded<config::Job>& loaded) {
  return loaded ? "none" : config::FormatProblems(loaded.error());
}

}  // namespace test
