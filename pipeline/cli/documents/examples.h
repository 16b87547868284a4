// Examples for the manual. tests/e2e/install_test.py checks every one of them.
#pragma once

#include <span>
#include <string_view>

namespace cli {

// In place of a command: the example belongs to the page of the job file.
inline constexpr std::string_view kJobFileExample = "s3flow.yaml";

struct Example {
  std::string_view command;  // empty for the page of the program
  std::string_view what;     // what the lines do, without a dot
  std::string_view lines;    // separated by newlines
};

std::span<const Example> Examples();

}  // namespace cli
