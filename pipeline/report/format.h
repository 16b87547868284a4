// Numbers, times and words as text, for people and for shells; parses timestamps, too. Any thread. Only
// LocalTimestamp() depends on more than its arguments: on the local time zone.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "s3/base/printable.h"

namespace pipeline {

using s3::Printable;  // escapes a file name or a server's message that is a part of a line

// "512 B", "1.5 MiB"
std::string HumanBytes(double bytes);

// "5 s", "3 min 20 s", "2 h 05 min"; "more than 100 h" from 100 hours on. Rounds to seconds.
std::string HumanDuration(double seconds);

// RFC 3339 with the local offset: "2026-11-27T14:06:17+01:00".
std::string LocalTimestamp(std::chrono::system_clock::time_point time);

// Returns `text` as one word of a POSIX shell. Quotes it only if needed.
std::string ShellWord(std::string_view text);

// "1 retry", "2 retries"
std::string Counted(std::uint64_t count, std::string_view one, std::string_view many);

// "2026-01-31T23:59:59Z" (RFC 3339, UTC). `seconds`: since 1970.
std::string Timestamp(std::int64_t seconds);
// Parses such a text. Returns nothing if it has another form.
std::optional<std::int64_t> ParseTimestamp(const std::string& text);

}  // namespace pipeline
