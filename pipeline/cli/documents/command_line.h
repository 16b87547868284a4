// The command line as values: what the manual and the completion of the shells are written from. Made from
// the parser itself, so that no second table of options exists.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cli {

// An option, or an argument without a name of its own (a positional).
struct ArgumentText {
  std::vector<std::string> names;    // "-q", "--quiet"; empty for a positional
  std::string value;                 // "FILE", "DIR", "KEY=VALUE", ...; empty for a flag
  std::string text;                  // what it does
  std::vector<std::string> choices;  // all values that are accepted; empty: any
  bool is_required = false;
  bool repeats = false;  // may be given several times
};

struct CommandText {
  std::string name;  // empty for the program itself
  std::string text;  // what it does, one sentence without its dot
  std::vector<ArgumentText> options;
  std::vector<ArgumentText> positionals;
};

struct CommandLine {
  CommandText program;  // the options that stand before a command
  std::vector<CommandText> commands;
};

// Leaves out what the help leaves out: members of the group "".
CommandLine DescribeCommandLine(const CLI::App& app);

}  // namespace cli
