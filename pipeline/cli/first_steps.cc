#include "pipeline/cli/first_steps.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "config/field.h"
#include "pipeline/cli/output.h"
#include "pipeline/cli/topics.h"
#include "pipeline/report/terminal.h"

namespace cli {
namespace {

tl::expected<std::string, ExitError> HelpText(const CLI::App& app, const std::string& topic) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) {
    if (command->get_name() == topic) return command->help(app.get_name());
    names.push_back(command->get_name());
  }
  if (auto text = TopicText(topic)) return std::move(*text);
  const auto topics = TopicNames();
  names.insert(names.end(), topics.begin(), topics.end());
  return Fail(pipeline::kExitUsage, fmt::format("there is no help for '{}'{} (s3flow help lists the topics)",
                                                topic, config::DidYouMean(topic, names)));
}

std::string Overview(const CLI::App& app) {
  auto text = app.help() + "Topics of s3flow help:\n";
  for (const auto& [name, summary] : Topics()) text += fmt::format("  {:<28}{}\n", name, summary);
  return text + fmt::format("  {:<28}{}\n", "SECTION, KEY", "of the job file, for example upload.part_size");
}

}  // namespace

CLI::App* AddInit(CLI::App* app, InitArguments* arguments) {
  auto* command = app->add_subcommand("init", "Write a job file with comments, and test the store");
  command->add_option("DIR", arguments->directory, "What to upload; default: the working directory");
  command->add_option("URL", arguments->url, "Where to: s3://BUCKET/PREFIX");
  command->add_option("--endpoint", arguments->endpoint, "The URL of a store other than AWS")
      ->type_name("URL");
  command->add_option("--profile", arguments->profile, "A section of ~/.aws/credentials or config")
      ->type_name("NAME");
  command->add_option("--region", arguments->region, "The region of the bucket")->type_name("REGION");
  command->add_option("--output", arguments->output, "The job file; - is standard output; default: job.yaml")
      ->type_name("FILE");
  command->add_flag("--force", arguments->force, "Replace the job file if it exists");
  command->add_flag(
      "--no-probe", arguments->no_probe,
      "Send nothing. Otherwise the store is tested with small requests under one key that is then "
      "deleted");
  return command;
}

CLI::App* AddSchema(CLI::App* app, SchemaArguments* arguments) {
  auto* command = app->add_subcommand(
      "schema", "Print a JSON Schema of the job file, with which editors complete and check it");
  command->add_flag("--faults", arguments->faults, "Print the schema of a faults file instead");
  return command;
}

CLI::App* AddHelp(CLI::App* app, HelpArguments* arguments) {
  auto* command = app->add_subcommand("help", "Explain a command, a topic, or a key of the job file");
  command->add_option("TOPIC", arguments->topic, "A command, a topic, or a key such as upload.part_size");
  return command;
}

CommandResult Help(const CLI::App& app, const HelpArguments& arguments) {
  const auto text = arguments.topic.empty() ? tl::expected<std::string, ExitError>(Overview(app))
                                            : HelpText(app, arguments.topic);
  if (!text) return tl::unexpected(text.error());
  pipeline::PrintLines(stdout, *text);
  return UnlessStdoutFailed(pipeline::kExitOk);
}

}  // namespace cli
