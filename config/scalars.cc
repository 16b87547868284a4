#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>
#include <utility>

namespace config {
namespace {

tl::unexpected<std::string> Wrong(std::string what) { return tl::unexpected(std::move(what)); }

template <typename T>
bool ReadNumber(std::string_view text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

Parsed<std::int64_t> ParseInteger(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int64_t value = 0;
  if (!ReadNumber(text, &value) || value < min || value > max) {
    return Wrong(fmt::format("'{}' is not a whole number from {} to {}", text, min, max));
  }
  return value;
}

Parsed<bool> ParseBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Wrong(fmt::format("'{}' is not allowed: write true or false", text));
}

Parsed<std::uint64_t> ParseSize(std::string_view text) {
  constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {
      {"", 1},
      {"b", 1},
      {"kb", 1000},
      {"mb", 1000'000},
      {"gb", 1000'000'000},
      {"tb", 1000'000'000'000},
      {"kib", 1 << 10},
      {"mib", 1 << 20},
      {"gib", 1ull << 30},
      {"tib", 1ull << 40},
  };
  const auto digits =
      static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), IsDigit) - text.begin());
  std::uint64_t number = 0;
  const auto unit_begin = std::min(text.find_first_not_of(' ', digits), text.size());
  const auto unit = Lower(text.substr(unit_begin));
  for (const auto& [name, factor] : kUnits) {
    if (unit != name || digits == 0) continue;
    if (!ReadNumber(text.substr(0, digits), &number) || number > UINT64_MAX / factor) {
      return Wrong(fmt::format("'{}' is too large", text));
    }
    return number * factor;
  }
  return Wrong(
      fmt::format("'{}' is not a size: write bytes, or a whole number with KB, MB, GB, TB (powers of 1000) "
                  "or KiB, MiB, GiB, TiB (powers of 1024)",
                  text));
}

Parsed<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"h", 3600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
  constexpr std::int64_t kYear = 365ll * 24 * 3600 * 1000;
  const auto wrong = Wrong(fmt::format("'{}' is not a duration: write 200ms, 20s, 1m30s or 2h", text));
  std::int64_t total = 0, last_factor = kYear;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto digits =
        static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), IsDigit) - rest.begin());
    const auto letters =
        std::find_if(rest.begin() + static_cast<std::ptrdiff_t>(digits), rest.end(), IsDigit);
    const auto unit = rest.substr(digits, static_cast<std::size_t>(letters - rest.begin()) - digits);
    std::int64_t number = 0, factor = 0;
    for (const auto& [name, value] : kUnits) {
      if (unit == name) factor = value;
    }
    // Units must be in descending order, each at most once, because "30s1m" is probably a mistake.
    if (factor == 0 || factor >= last_factor || !ReadNumber(rest.substr(0, digits), &number)) return wrong;
    if (number > kYear / factor || (total += number * factor) > kYear)
      return Wrong(fmt::format("'{}' is longer than a year", text));
    last_factor = factor;
    rest.remove_prefix(digits + unit.size());
  }
  if (text.empty()) return wrong;
  return std::chrono::milliseconds(total);
}

std::string ShowDuration(std::chrono::milliseconds duration) {
  constexpr std::pair<const char*, std::int64_t> kUnits[] = {{"h", 3600'000}, {"m", 60'000}, {"s", 1000}};
  auto ms = duration.count();
  if (ms == 0) return "0s";
  if (ms % 1000 != 0) return fmt::format("{}ms", ms);
  std::string text;
  for (const auto& [unit, factor] : kUnits) {
    if (const auto number = ms / factor; number > 0) text += fmt::format("{}{}", number, unit);
    ms %= factor;
  }
  return text;
}

std::string ShowSize(std::uint64_t bytes) {
  static constexpr const char* kBinary[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  static constexpr const char* kDecimal[] = {"B", "KB", "MB", "GB", "TB"};
  if (bytes == 0) return "0";
  const auto divide = [bytes](std::uint64_t factor) {
    std::pair<std::uint64_t, std::size_t> result{bytes, 0};
    auto& [number, unit] = result;
    for (; number % factor == 0 && unit + 1 < std::size(kBinary); ++unit) number /= factor;
    return result;
  };
  const auto [binary, binary_unit] = divide(1024);
  const auto [decimal, decimal_unit] = divide(1000);
  if (binary <= decimal) return fmt::format("{}{}", binary, kBinary[binary_unit]);
  return fmt::format("{}{}", decimal, kDecimal[decimal_unit]);
}

}  // namespace config
