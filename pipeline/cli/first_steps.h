// Defines the arguments of the commands for the first minutes: init, schema, help.
#pragma once

#include "pipeline/cli/commands/commands.h"

namespace CLI {
class App;
}

namespace cli {

// Return the parser of the command. The arguments must outlive it.
CLI::App* AddInit(CLI::App* app, InitArguments* arguments);
CLI::App* AddSchema(CLI::App* app, SchemaArguments* arguments);
CLI::App* AddHelp(CLI::App* app, HelpArguments* arguments);

// Prints the help of a command or a topic, or the help of s3flow with the list of topics. Fails with exit
// status 64 for another name.
CommandResult Help(const CLI::App& app, const HelpArguments& arguments);

}  // namespace cli
