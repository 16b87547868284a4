#include "s3/base/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace s3 {
namespace {

struct Range {
  char32_t first, last;
};

// Default_Ignorable_Code_Point of https://www.unicode.org/Public/15.0.0/ucd/DerivedCoreProperties.txt, and in
// addition the controls (up to U+001F, U+007F to U+009F), the separators (U+2028, U+2029) and the interlinear
// annotation marks (U+FFF9 to U+FFFB). Sorted.
constexpr Range kHidden[] = {
    {0x0000, 0x001F}, {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x061C, 0x061C},
    {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F}, {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

bool IsPlain(char c) { return c >= 0x20 && c < 0x7f && c != '\\'; }

std::string Escaped(std::string_view text, std::string_view backslash) {
  if (std::all_of(text.begin(), text.end(), IsPlain)) return std::string(text);
  std::string shown;
  shown.reserve(text.size() + 16);
  while (!text.empty()) {
    const auto [code, bytes] = FirstCharacter(text);
    if (bytes == 0 || code < 0x80) {
      const auto byte = static_cast<unsigned char>(text.front());
      if (bytes > 0 && !IsHidden(code)) {
        shown += byte == '\\' ? backslash : text.substr(0, 1);
      } else {
        fmt::format_to(std::back_inserter(shown), "\\x{:02x}", byte);
      }
      text.remove_prefix(1);
      continue;
    }
    if (IsHidden(code)) {
      fmt::format_to(std::back_inserter(shown), "\\u{{{:X}}}", static_cast<std::uint32_t>(code));
    } else {
      shown += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return shown;
}

}  // namespace

Utf8Character FirstCharacter(std::string_view text) {
  const auto at = [&](std::size_t i) -> char32_t {
    return static_cast<unsigned char>(i < text.size() ? text[i] : 0);
  };
  const auto lead = at(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t bytes = 2;
  if (lead >= 0xE0) bytes = lead >= 0xF0 ? 4 : 3;
  if (lead < 0xC2 || lead > 0xF4) return {};
  char32_t code = lead & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (at(i) & 0x3F);
  }
  constexpr char32_t kMin[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kMin[bytes] || code > 0x10FFFF || surrogate) return {};
  return {code, bytes};
}

bool IsHidden(char32_t code) {
  const auto* range = std::lower_bound(std::begin(kHidden), std::end(kHidden), code,
                                       [](const Range& each, char32_t value) { return each.last < value; });
  return range != std::end(kHidden) && range->first <= code;
}

std::string Printable(std::string_view name) { return Escaped(name, "\\\\"); }
std::string PrintableLine(std::string_view line) { return Escaped(line, "\\"); }

}  // namespace s3
