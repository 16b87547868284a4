#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pipeline/cli/documents/completion.h"

namespace cli {
namespace {

// Quotes a text for zsh; `special` characters get a backslash, because _arguments would interpret them.
std::string ZshQuoted(std::string_view text, std::string_view special) {
  std::string escaped;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return escaped;
}

std::string ZshAction(const ArgumentText& argument) {
  switch (ValueKindOf(argument)) {
    case ValueKind::kChoice: return fmt::format("({})", fmt::join(argument.choices, " "));
    case ValueKind::kFile: return "_files";
    case ValueKind::kDirectory: return "_files -/";
    case ValueKind::kJobKey: return "_s3flow_keys";
    case ValueKind::kOther:
    case ValueKind::kFlag: break;
  }
  return "( )";  // no match, and no error
}

std::string OptionSpecs(const ArgumentText& option) {
  const bool is_flag = ValueKindOf(option) == ValueKind::kFlag;
  std::string text;
  for (const auto& name : option.names) {
    const auto others = option.repeats ? "*" : fmt::format("({})", fmt::join(option.names, " "));
    // "--set=": the value is the next word, or follows the "=".
    text += fmt::format(" \\\n        '{}{}{}[{}]", others, name,
                        is_flag ? "" : (name.starts_with("--") ? "=" : "+"), ZshQuoted(option.text, "[]:\\"));
    if (!is_flag) text += fmt::format(":{}:{}", ZshQuoted(option.value, ":\\"), ZshAction(option));
    text += "'";
  }
  return text;
}

std::string CommandCase(const CommandText& command) {
  auto text = fmt::format("    {})\n      _arguments -s", command.name);
  for (const auto& option : command.options) text += OptionSpecs(option);
  int number = 1;
  for (const auto& positional : command.positionals) {
    const auto place = positional.repeats ? std::string("*") : std::to_string(number++);
    text += fmt::format(" \\\n        '{}:{}:{}'", place, ZshQuoted(positional.value, ":\\"),
                        ZshAction(positional));
  }
  return text + "\n      ;;\n";
}

std::string KeysFunction(const std::vector<JobKey>& keys) {
  std::string text =
      "\n_s3flow_keys() {\n  local -a keys\n  if compset -P '*='; then\n    case ${IPREFIX%=} in\n";
  for (const auto& key : keys) {
    if (key.choices.empty()) continue;
    text +=
        fmt::format("      {} | *={}) compadd -- {} ;;\n", key.name, key.name, fmt::join(key.choices, " "));
  }
  text += "    esac\n    return\n  fi\n  keys=(\n";
  for (const auto& key : keys) text += "    " + key.name + "\n";
  return text + "  )\n  compadd -S = -a keys\n}\n";
}

}  // namespace

std::string ZshCompletion(const CommandLine& line, const std::vector<JobKey>& keys) {
  std::string text = "#compdef s3flow\n# zsh completion for s3flow. Written by: s3flow completion zsh\n";
  text += KeysFunction(keys);
  text +=
      "\n_s3flow() {\n"
      "  local curcontext=$curcontext state line\n"
      "  typeset -A opt_args\n"
      "  _arguments -C";
  for (const auto& option : line.program.options) text += OptionSpecs(option);
  text +=
      " \\\n        '1:command:->command' '*::argument:->argument'\n"
      "  if [[ $state == command ]]; then\n"
      "    local -a commands=(\n";
  for (const auto& command : line.commands) {
    text += fmt::format("      '{}:{}'\n", command.name, ZshQuoted(command.text, ":\\"));
  }
  text +=
      "    )\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  [[ $state == argument ]] || return 0\n"
      "  case $words[1] in\n";
  for (const auto& command : line.commands) text += CommandCase(command);
  return text +
         "  esac\n}\n\n"
         "# The file works as a function of fpath, and when it is sourced.\n"
         "if [[ $funcstack[1] == _s3flow ]]; then\n  _s3flow \"$@\"\nelse\n  compdef _s3flow s3flow\nfi\n";
}

}  // namespace cli
