#include "pipeline/cli/documents/roff.h"

namespace cli {

std::string RoffText(std::string_view text, bool keeps_hyphens) {
  std::string escaped;
  // A line that begins with one of these is a command. \& is a character without width.
  if (text.starts_with('.') || text.starts_with('\'')) escaped += "\\&";
  for (const char c : text) {
    switch (c) {
      case '\\': escaped += "\\e"; break;
      case '-': escaped += keeps_hyphens ? "\\-" : "-"; break;
      case '\'': escaped += "\\(aq"; break;  // printed as a typographic quote otherwise
      case '`': escaped += "\\(ga"; break;
      case '^': escaped += "\\(ha"; break;
      case '~': escaped += "\\(ti"; break;
      case '\n': escaped += ' '; break;
      default: escaped += c;
    }
  }
  return escaped;
}

std::string RoffBold(std::string_view text) { return "\\fB" + RoffText(text, true) + "\\fR"; }

std::string RoffItalic(std::string_view text) { return "\\fI" + RoffText(text, true) + "\\fR"; }

std::string RoffParagraph(std::string_view markdown) {
  std::string text;
  bool is_code = false;
  while (!markdown.empty()) {
    const auto tick = markdown.find('`');
    const auto piece = markdown.substr(0, tick);
    if (!piece.empty()) text += is_code ? RoffBold(piece) : RoffText(piece);
    is_code = !is_code;
    markdown = tick == std::string_view::npos ? std::string_view() : markdown.substr(tick + 1);
  }
  return text;
}

std::string WrapRoff(std::string_view roff) {
  constexpr std::size_t kMaxLine = 80;
  const bool is_command = roff.starts_with('.');
  std::string text;
  while (!is_command && roff.size() > kMaxLine) {
    auto space = roff.rfind(' ', kMaxLine);
    if (space == std::string_view::npos) space = roff.find(' ');
    if (space == std::string_view::npos) break;
    text += std::string(roff.substr(0, space)) + "\n";
    roff.remove_prefix(space + 1);
    if (roff.starts_with('.') || roff.starts_with('\'')) text += "\\&";
  }
  return text + std::string(roff) + "\n";
}

}  // namespace cli
