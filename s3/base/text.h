// Small functions on texts: concatenation, trimming, a scan, lower case, and escaping. Pure functions, any
// thread.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace s3 {

// Appends all pieces with at most one allocation.
inline void Append(std::string* text, std::initializer_list<std::string_view> pieces) {
  auto size = text->size();
  for (const auto piece : pieces) size += piece.size();
  text->reserve(size);
  for (const auto piece : pieces) text->append(piece);
}

inline std::string Concat(std::initializer_list<std::string_view> pieces) {
  std::string text;
  Append(&text, pieces);
  return text;
}

// Returns `text` without the spaces, tabs and CRs at both ends. Faster than find_first_not_of, which calls
// memchr for each character.
inline std::string_view TrimHeaderSpace(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Returns true when `is` returns true for at least one character. The loop has no early exit, so that the
// compiler can vectorize it.
template <typename Predicate>
bool HasAny(std::string_view text, const Predicate& is) {
  unsigned char any = 0;
  for (const char c : text) any |= static_cast<unsigned char>(is(c));
  return any != 0;
}

// Returns `text` with ASCII letters in lower case, the form in which HTTP headers, DNS names and file
// extensions are compared.
std::string LowerCase(std::string_view text);

// Returns the first `max_bytes` of `text`, with a space in place of each control character. Use it when a
// server's text becomes part of a message.
std::string OneLine(std::string_view text, std::size_t max_bytes);

// Returns `text` escaped for use as the content of an XML element or attribute.
std::string XmlEscape(std::string_view text);

}  // namespace s3
