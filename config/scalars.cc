#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>
#include <utility>
#include <vector>

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

Parsed<std::chrono::seconds> ParseAge(std::string_view text) {
  constexpr std::int64_t kMaxDays = 36'500, kDay = 24 * 3600;
  const auto digits =
      static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), IsDigit) - text.begin());
  std::int64_t days = 0;
  if (text.substr(digits, 1) == "d") {
    if (digits == 0 || !ReadNumber(text.substr(0, digits), &days) || days > kMaxDays) {
      return Wrong(fmt::format("'{}' is longer than 100 years, or no number of days", text));
    }
    text.remove_prefix(digits + 1);
    if (text.empty()) return std::chrono::seconds(days * kDay);
  }
  return ParseDuration(text).map([days](std::chrono::milliseconds rest) {
    return std::chrono::seconds(days * kDay + std::chrono::duration_cast<std::chrono::seconds>(rest).count());
  });
}

Parsed<std::int64_t> ParseTime(std::string_view text) {
  const auto wrong =
      Wrong(fmt::format("'{}' is not a time: write 2026-01-31 (its begin in UTC), 2026-01-31T12:00:00Z or "
                        "2026-01-31T12:00:00+01:00",
                        text));
  // Checks the form, and collects the numbers of its digits.
  const auto read = [](std::string_view given, std::string_view form, std::vector<int>* numbers) {
    if (given.size() != form.size()) return false;
    for (std::size_t i = 0; i < form.size(); ++i) {
      if (form[i] != '0' && form[i] != given[i]) return false;
      if (form[i] != '0') continue;
      if (!IsDigit(given[i])) return false;
      if (i == 0 || form[i - 1] != '0') numbers->push_back(0);
      numbers->back() = numbers->back() * 10 + (given[i] - '0');
    }
    return true;
  };
  constexpr std::string_view kDate = "0000-00-00", kTime = "T00:00:00", kOffset = "00:00";
  std::vector<int> date, time, offset{0, 0};
  if (!read(text.substr(0, kDate.size()), kDate, &date)) return wrong;
  const std::chrono::year_month_day day{std::chrono::year(date[0]),
                                        std::chrono::month(static_cast<unsigned>(date[1])),
                                        std::chrono::day(static_cast<unsigned>(date[2]))};
  if (!day.ok()) return wrong;
  const std::chrono::seconds midnight = std::chrono::sys_days(day).time_since_epoch();
  auto rest = text.substr(kDate.size());
  if (rest.empty()) return midnight.count();
  if (!read(rest.substr(0, kTime.size()), kTime, &time)) return wrong;
  rest.remove_prefix(kTime.size());
  const bool has_offset = rest.starts_with('+') || rest.starts_with('-');
  if (has_offset) offset.clear();
  if (has_offset ? !read(rest.substr(1), kOffset, &offset) : rest != "Z") return wrong;
  if (time[0] > 23 || time[1] > 59 || time[2] > 60 || offset[0] > 23 || offset[1] > 59) return wrong;
  const std::int64_t ahead = (rest[0] == '-' ? -60 : 60) * (offset[0] * 60 + offset[1]);
  return midnight.count() + time[0] * 3600 + time[1] * 60 + time[2] - ahead;
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
