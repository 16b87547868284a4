// Converts texts with units to numbers, and back. Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace config {

// A value, or what is wrong with the text.
template <typename T>
using Parsed = tl::expected<T, std::string>;

Parsed<std::int64_t> ParseInteger(std::string_view text, std::int64_t min, std::int64_t max);
Parsed<bool> ParseBool(std::string_view text);  // accepts only "true" and "false"

// Parses "8388608", "8MB" (8,000,000) or "8MiB" (8,388,608) into bytes. Accepts units up to TB and TiB, in
// upper or lower case.
Parsed<std::uint64_t> ParseSize(std::string_view text);
// Returns the size as the smallest whole number with a unit: "16MiB", "8MB", "1001B".
std::string ShowSize(std::uint64_t bytes);

// Parses "200ms", "20s", "1m30s" or "2h". More than a year is an error.
Parsed<std::chrono::milliseconds> ParseDuration(std::string_view text);
// Parses an age in days as well: "30d", "1d12h", "12h". At most 100 years.
Parsed<std::chrono::seconds> ParseAge(std::string_view text);
// Parses a date, "2026-01-31" (its begin in UTC), or a time of RFC 3339 without fractions,
// "2026-01-31T12:00:00+01:00". Returns seconds since 1970.
Parsed<std::int64_t> ParseTime(std::string_view text);
// Returns the duration as ParseDuration() reads it: "1m30s", "1500ms".
std::string ShowDuration(std::chrono::milliseconds duration);

}  // namespace config
