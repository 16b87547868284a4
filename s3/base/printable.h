// Makes text from files and servers (names, messages, values) safe to show in a terminal. Pure functions, any
// thread.
//
// A terminal executes control characters. Invisible characters and those that change the direction of text
// mislead its reader. All of them are escaped: a byte as "\x1b", a character as "\u{202E}". Other characters
// of every script stay unchanged.
#pragma once

#include <string>
#include <string_view>

namespace s3 {

// Decodes the first character of `text`, which must not be empty. In the result, `bytes` is the size of the
// character; 0 when the text does not begin with well-formed UTF-8 (Unicode Standard, table 3-7: no overlong
// forms, no surrogates).
struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 0;
};
Utf8Character FirstCharacter(std::string_view text);

// Returns true for C0 and C1 controls, DEL, line and paragraph separators, and invisible characters:
// direction marks, joiners, byte order marks, tags and the other Default_Ignorable_Code_Points.
bool IsHidden(char32_t code);

// Returns `name` in a form that is safe within a line. Doubles each backslash, so that different names look
// different.
std::string Printable(std::string_view name);

// Returns a whole line in a form that is safe for the terminal. Call it last, just before the line is
// written. It does not double backslashes, because Printable() has already doubled the backslashes in names.
std::string PrintableLine(std::string_view line);

}  // namespace s3
