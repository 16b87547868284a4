#include "pipeline/cli/documents/command_line.h"

#include <CLI/CLI.hpp>
#include <string_view>

namespace cli {
namespace {

// The parser describes an option's values in one text, which its help shows: "STYLE:{auto,bar}", "INT:INT in
// [0 - 65535]", or only "FILE".
std::vector<std::string> ChoicesIn(std::string_view type) {
  const auto open = type.find(":{"), close = type.rfind('}');
  std::vector<std::string> choices;
  if (open == std::string_view::npos || close == std::string_view::npos) return choices;
  auto rest = type.substr(open + 2, close - open - 2);
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    choices.emplace_back(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return choices;
}

ArgumentText Describe(const CLI::Option& option) {
  ArgumentText argument;
  for (const auto& name : option.get_snames()) argument.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) argument.names.push_back("--" + name);
  argument.text = option.get_description();
  argument.is_required = option.get_required();
  const bool is_positional = !option.nonpositional();
  const bool takes_value = option.get_type_size() != 0;
  if (takes_value) {
    const auto type = option.get_type_name();
    argument.value = is_positional ? option.get_name(true) : type.substr(0, type.find(':'));
    argument.choices = ChoicesIn(type);
  }
  argument.repeats = takes_value && (option.get_expected_max() > 1 ||
                                     option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll);
  return argument;
}

CommandText DescribeCommand(const CLI::App& app) {
  CommandText command{app.get_name(), app.get_description(), {}, {}};
  for (const auto* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    auto& list = option->nonpositional() ? command.options : command.positionals;
    list.push_back(Describe(*option));
  }
  return command;
}

}  // namespace

CommandLine DescribeCommandLine(const CLI::App& app) {
  CommandLine line{DescribeCommand(app), {}};
  line.program.name.clear();  // the parser may have set it to the path of the binary
  for (const auto* command : app.get_subcommands({})) {
    if (!command->get_group().empty()) line.commands.push_back(DescribeCommand(*command));
  }
  return line;
}

}  // namespace cli
