// Makes text from files and servers (names, messages, values) safe to show in a terminal. Pure, any thread.
//
// A terminal executes control characters. Invisible characters and those that change the direction of text
// mislead its reader. All of them are escaped: "\x1b" is a byte, "\u{202E}" a character. Other characters
// stay as they are, in every script.
#pragma once

#include <string>
#include <string_view>

namespace s3 {

// Decodes the first character of `text`, which must not be empty. `bytes` is 0 when it is not well-formed
// UTF-8 (Unicode Standard, table 3-7: no overlong forms, no surrogates).
struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 0;
};
Utf8Character FirstCharacter(std::string_view text);

// Returns true for C0 and C1 controls, DEL, line and paragraph separators, and invisible characters:
// direction marks, joiners, byte order marks, tags and the other Default_Ignorable_Code_Points.
bool IsHidden(char32_t code);

// Returns `name` for use within a line. Doubles each backslash, so that different names look different.
std::string Printable(std::string_view name);

// Returns a whole line for the terminal; the last step before it is written. Backslashes stay single:
// Printable() has already doubled those in names.
std::string PrintableLine(std::string_view line);

}  // namespace s3
