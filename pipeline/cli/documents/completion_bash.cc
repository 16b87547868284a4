#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pipeline/cli/documents/completion.h"

namespace cli {
namespace {

// Readline splits words at "=" (COMP_WORDBREAKS), so "--set upload.sync=t" arrives as four words. bash 3.2
// and newer; needs nothing of the package bash-completion.
constexpr const char* kBashFunctions = R"(
_s3flow() {
  local word=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1)) command="" choices="" i
  COMPREPLY=()
  if [[ $word == "=" ]]; then
    word=""
  elif [[ ${COMP_WORDS[at]} == "=" ]]; then
    at=$((at - 1))
  fi
  local previous=${COMP_WORDS[at]} before=${COMP_WORDS[at > 0 ? at - 1 : 0]}
  [[ $before == "=" ]] && before=${COMP_WORDS[at > 1 ? at - 2 : 0]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done
  if [[ $before == "--set" && ${COMP_WORDS[at + 1]} == "=" ]]; then
    _s3flow_key_values "$previous"
    _s3flow_reply -W "$choices"
    return
  fi
  if [[ $previous == -* ]] && _s3flow_option_values "$command" "$previous"; then
    return
  fi
  if [[ $word == -* || -z $command ]]; then
    _s3flow_options "$command"
    _s3flow_reply -W "$choices"
    return
  fi
  _s3flow_arguments "$command"
}

# Offers the words of compgen as they are, one a line. In COMPREPLY=($(...)), a file named "*" would become the names
# of all files.
_s3flow_reply() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <(compgen "$@" -- "$word")
}

_s3flow_files() {
  compopt -o filenames 2>/dev/null
  _s3flow_reply "$@"
}

_s3flow_keys() {
  compopt -o nospace 2>/dev/null
  _s3flow_reply -W "$s3flow_job_keys"
}

complete -F _s3flow s3flow
)";

std::string Words(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

std::string BashAction(const ArgumentText& argument) {
  switch (ValueKindOf(argument)) {
    case ValueKind::kChoice: return fmt::format("_s3flow_reply -W \"{}\"", Words(argument.choices));
    case ValueKind::kFile: return "_s3flow_files -f";
    case ValueKind::kDirectory: return "_s3flow_files -d";
    case ValueKind::kJobKey: return "_s3flow_keys";
    case ValueKind::kOther:
    case ValueKind::kFlag: break;
  }
  return ":";
}

std::string OptionNames(const CommandText& command) {
  std::vector<std::string> names;
  for (const auto& option : command.options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  return Words(names);
}

std::string OptionsFunction(const CommandLine& line) {
  std::vector<std::string> first;
  for (const auto& command : line.commands) first.push_back(command.name);
  std::string text = "\n_s3flow_options() {\n  case $1 in\n";
  text += fmt::format("    \"\") choices=\"{} {}\" ;;\n", Words(first), OptionNames(line.program));
  for (const auto& command : line.commands) {
    text += fmt::format("    {}) choices=\"{}\" ;;\n", command.name, OptionNames(command));
  }
  return text + "  esac\n}\n";
}

std::string OptionValuesFunction(const CommandLine& line) {
  std::string text =
      "\n# Fails if the option takes no value.\n_s3flow_option_values() {\n  case \"$1 $2\" in\n";
  for (const auto& command : line.commands) {
    for (const auto& option : command.options) {
      if (ValueKindOf(option) == ValueKind::kFlag) continue;
      std::vector<std::string> patterns;
      for (const auto& name : option.names) patterns.push_back(fmt::format("\"{} {}\"", command.name, name));
      text += fmt::format("    {}) {} ;;\n", fmt::join(patterns, " | "), BashAction(option));
    }
  }
  return text + "    *) return 1 ;;\n  esac\n}\n";
}

std::string ArgumentsFunction(const CommandLine& line) {
  std::string text = "\n_s3flow_arguments() {\n  case $1 in\n";
  for (const auto& command : line.commands) {
    if (command.positionals.empty()) continue;
    text += fmt::format("    {}) {} ;;\n", command.name, BashAction(command.positionals.front()));
  }
  return text + "  esac\n}\n";
}

std::string KeyValuesFunction(const std::vector<JobKey>& keys) {
  std::string text = "\n_s3flow_key_values() {\n  case $1 in\n";
  for (const auto& key : keys) {
    if (!key.choices.empty())
      text += fmt::format("    {}) choices=\"{}\" ;;\n", key.name, Words(key.choices));
  }
  return text + "  esac\n}\n";
}

}  // namespace

std::string BashCompletion(const CommandLine& line, const std::vector<JobKey>& keys) {
  std::string text = "# bash completion for s3flow. Written by: s3flow completion bash\n\n";
  text += "s3flow_job_keys=\"";
  for (const auto& key : keys) text += (text.ends_with('"') ? "" : " ") + key.name + "=";
  text += "\"\n";
  text +=
      OptionsFunction(line) + OptionValuesFunction(line) + ArgumentsFunction(line) + KeyValuesFunction(keys);
  return text + kBashFunctions;
}

}  // namespace cli
