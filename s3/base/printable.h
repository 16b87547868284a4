// Text that somebody else wrote (names, messages, values), made fit for a terminal. Pure, any thread.
//
// A terminal acts on control characters, and its reader is deceived by characters that draw nothing or
// turn the order of others. Both are shown as what they are: "\x1b" is a byte, "\u{202E}" a character.
// All other characters stay, whatever their script.
#pragma once

#include <string>
#include <string_view>

namespace s3 {

// The first character of `text`, which is not empty. `bytes` is 0 when it is not well-formed UTF-8
// (Unicode Standard, table 3-7: no overlong forms, no surrogates).
struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 0;
};
Utf8Character FirstCharacter(std::string_view text);

// True for C0 and C1 controls, DEL, separators of lines and paragraphs, and what draws nothing: marks of
// direction, joiners, byte order marks, tags and the other Default_Ignorable_Code_Points.
bool IsHidden(char32_t code);

// `name` as a part of a line. A backslash is doubled, so that different names look different.
std::string Printable(std::string_view name);

// A whole line, the last step before it is written. What is left of a backslash is what it was: names in
// the line have been through Printable().
std::string PrintableLine(std::string_view line);

}  // namespace s3
