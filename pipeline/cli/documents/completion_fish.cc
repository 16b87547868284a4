#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pipeline/cli/documents/completion.h"

namespace cli {
namespace {

std::string FishQuoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string FishValue(const ArgumentText& argument) {
  switch (ValueKindOf(argument)) {
    case ValueKind::kFlag: return "";
    case ValueKind::kChoice: return fmt::format(" -x -a '{}'", fmt::join(argument.choices, " "));
    case ValueKind::kFile: return " -r -F";
    case ValueKind::kDirectory: return " -x -a '(__fish_complete_directories (commandline -ct))'";
    case ValueKind::kJobKey: return " -x -a '(__s3flow_keys)'";
    case ValueKind::kOther: break;
  }
  return " -x";
}

std::string OptionLine(const std::string& condition, const ArgumentText& option) {
  auto text = fmt::format("complete -c s3flow -n {}", FishQuoted(condition));
  for (const auto& name : option.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return text + FishValue(option) + " -d " + FishQuoted(option.text) + "\n";
}

std::string CommandLines(const CommandText& command) {
  const auto condition = "__fish_seen_subcommand_from " + command.name;
  std::string text = "\n";
  for (const auto& option : command.options) text += OptionLine(condition, option);
  if (command.positionals.empty()) return text;
  const auto& first = command.positionals.front();
  const auto kind = ValueKindOf(first);
  if (kind == ValueKind::kOther || kind == ValueKind::kFlag) return text;
  const auto value = kind == ValueKind::kFile ? std::string(" -F") : FishValue(first);
  return text + fmt::format("complete -c s3flow -n {}{}\n", FishQuoted(condition), value);
}

}  // namespace

std::string FishCompletion(const CommandLine& line, const std::vector<JobKey>& keys) {
  std::string text =
      "# fish completion for s3flow. Written by: s3flow completion fish\n\n"
      "function __s3flow_keys\n";
  for (const auto& key : keys) {
    text += fmt::format("    echo {}=\n", key.name);
    for (const auto& choice : key.choices) text += fmt::format("    echo {}={}\n", key.name, choice);
  }
  text += "end\n\ncomplete -c s3flow -f\n";
  for (const auto& option : line.program.options) text += OptionLine("__fish_use_subcommand", option);
  for (const auto& command : line.commands) {
    text += fmt::format("complete -c s3flow -n __fish_use_subcommand -a {} -d {}\n", command.name,
                        FishQuoted(command.text));
  }
  for (const auto& command : line.commands) text += CommandLines(command);
  return text;
}

}  // namespace cli
