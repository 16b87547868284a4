// Texts put together with one allocation, and looked through many bytes at once.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace s3 {

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

// Returns `text` without the spaces, tabs and CRs at both ends. find_first_not_of calls memchr for each
// character.
inline std::string_view TrimHeaderSpace(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Whether any of its characters is one. Without a way out of the loop a compiler makes vectors of it.
template <typename Predicate>
bool HasAny(std::string_view text, const Predicate& is) {
  unsigned char any = 0;
  for (const char c : text) any |= static_cast<unsigned char>(is(c));
  return any != 0;
}

}  // namespace s3
