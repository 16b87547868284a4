// Writes texts in the language of manual pages (man(7)). Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace cli {

// Returns `text` such that it is printed as it is: no character is a command or changes the font. With
// `keeps_hyphens`, each "-" stays the ASCII character, so that a reader can copy an option from the page.
std::string RoffText(std::string_view text, bool keeps_hyphens = false);

// Returns `text` in bold or italics. "-" stays the ASCII character.
std::string RoffBold(std::string_view text);
std::string RoffItalic(std::string_view text);

// Returns a paragraph of Markdown, in which only `code` is more than plain text, with the code in bold.
std::string RoffParagraph(std::string_view markdown);

// Returns the lines of a text or command that is in the language already: at most 80 bytes each where a space
// allows it, each with a newline at its end. A command stays in one line.
std::string WrapRoff(std::string_view roff);

}  // namespace cli
