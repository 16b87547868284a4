// Text to numbers and back, with units. Pure.
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
Parsed<bool> ParseBool(std::string_view text);  // true or false, nothing else

// Bytes: "8388608", "8MB" (8,000,000), "8MiB" (8,388,608); units up to TB and TiB, in any case.
Parsed<std::uint64_t> ParseSize(std::string_view text);
// With the largest unit of 1,024 that divides it: "16MiB", "1000B".
std::string ShowSize(std::uint64_t bytes);

// "200ms", "20s", "1m30s", "2h"; at most a year.
Parsed<std::chrono::milliseconds> ParseDuration(std::string_view text);
std::string ShowDuration(std::chrono::milliseconds duration);

}  // namespace config
