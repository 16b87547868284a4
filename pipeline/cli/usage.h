// Says what is wrong with arguments that no command takes. Pure functions, any thread.
#pragma once

#include <string>
#include <vector>

namespace cli {

// The words that the command line knows.
struct Vocabulary {
  std::vector<std::string> commands;
  std::string command;               // the command that was given; empty if none was given
  std::vector<std::string> options;  // of that command, with their dashes; if none was given, of s3flow
};

// Returns the message for `unexpected`, which must not be empty: the unknown command, the unknown option or
// the surplus arguments, with a similar word if there is one. An argument may belong to --set and contain a
// secret, so the text after its '=' is not shown.
std::string UnexpectedText(const std::vector<std::string>& unexpected, const Vocabulary& words);

}  // namespace cli
