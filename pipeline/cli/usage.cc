#include "pipeline/cli/usage.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/field.h"

namespace cli {
namespace {

std::string WithoutValue(const std::string& argument) {
  const auto equals = argument.find('=');
  return argument.substr(0, equals) + (equals == std::string::npos ? "" : "=...");
}

}  // namespace

std::string UnexpectedText(const std::vector<std::string>& unexpected, const Vocabulary& words) {
  const auto& first = unexpected.front();
  const bool has_option = std::any_of(unexpected.begin(), unexpected.end(),
                                      [](const auto& argument) { return argument.starts_with('-'); });
  if (words.command.empty() && !first.starts_with('-')) {
    return fmt::format("unknown command '{}'{}", WithoutValue(first),
                       config::DidYouMean(first, words.commands));
  }
  if (has_option) {
    const auto option = *std::find_if(unexpected.begin(), unexpected.end(),
                                      [](const auto& argument) { return argument.starts_with('-'); });
    const auto name = option.substr(0, option.find('='));
    const auto where = words.command.empty() ? "before the command" : "of s3flow " + words.command;
    return fmt::format("unknown option '{}' {}{}", name, where, config::DidYouMean(name, words.options));
  }
  std::string text = "unexpected argument:";
  for (const auto& argument : unexpected) text += " " + WithoutValue(argument);
  return text;
}

}  // namespace cli
