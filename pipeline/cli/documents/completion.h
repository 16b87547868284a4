// Writes the completion of a shell: commands, options, their values, files where files are expected, and job
// keys with their values after --set. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/cli/documents/command_line.h"
#include "pipeline/cli/documents/job_keys.h"

namespace cli {

// The kind of words that complete the value of an argument.
enum class ValueKind { kOther, kFlag, kChoice, kFile, kDirectory, kJobKey };
ValueKind ValueKindOf(const ArgumentText& argument);

// Return the script of one shell.
std::string BashCompletion(const CommandLine& line, const std::vector<JobKey>& keys);
std::string ZshCompletion(const CommandLine& line, const std::vector<JobKey>& keys);
std::string FishCompletion(const CommandLine& line, const std::vector<JobKey>& keys);

}  // namespace cli
