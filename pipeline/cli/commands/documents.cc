#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/documents/completion.h"
#include "pipeline/cli/documents/manual.h"
#include "pipeline/cli/output.h"
#include "pipeline/cli/topics.h"
#include "pipeline/report/terminal.h"

namespace cli {
namespace {

// `help` accepts more names than it is useful to offer: also each key of the job file.
CommandLine WithHelpTopics(CommandLine line) {
  std::vector<std::string> names;
  for (const auto& topic : Topics()) names.emplace_back(topic.name);
  for (const auto& section : Sections()) {
    if (std::find(names.begin(), names.end(), section) == names.end()) names.push_back(section);
  }
  for (const auto& command : line.commands) names.push_back(command.name);
  for (auto& command : line.commands) {
    if (command.name == "help") command.positionals.front().choices = names;
  }
  return line;
}

}  // namespace

CommandResult Completion(const CommandLine& parsed, const std::string& shell) {
  const auto line = WithHelpTopics(parsed);
  const auto keys = JobKeys();
  const auto write = shell == "bash" ? BashCompletion : shell == "zsh" ? ZshCompletion : FishCompletion;
  pipeline::WriteDocument(write(line, keys));
  return UnlessStdoutFailed(pipeline::kExitOk);
}

CommandResult Manual(const CommandLine& line, const ManualArguments& arguments) {
  for (const auto& page : ManualPages(line, S3FLOW_VERSION, arguments.date)) {
    const auto folder = std::filesystem::path(arguments.directory) / ("man" + page.section);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return Fail(pipeline::kExitJournal, fmt::format("{}: {}", folder.string(), error.message()));
    const auto path = folder / (page.name + "." + page.section);
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << page.text << std::flush;
    if (!file)
      return Fail(pipeline::kExitJournal, fmt::format("{}: {}", path.string(), std::strerror(errno)));
  }
  return pipeline::kExitOk;
}

}  // namespace cli
