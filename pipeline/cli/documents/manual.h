// Writes the manual: s3flow(1), one page for each command, and s3flow.yaml(5), in the language of man(7).
// Pure functions.
#pragma once

#include <string>
#include <vector>

#include "pipeline/cli/documents/command_line.h"

namespace cli {

struct ManualPage {
  std::string name;     // "s3flow-run"
  std::string section;  // "1" or "5"
  std::string text;
};

// Returns all pages. `date` is that of the release, YYYY-MM-DD; every page shows it.
std::vector<ManualPage> ManualPages(const CommandLine& line, const std::string& version,
                                    const std::string& date);

}  // namespace cli
