// The form of a line in journals and in the manifests of a plan: one JSON object. Its first field is
// `record`. Its last field is `crc`, the CRC-32C of all bytes before that field. Pure, any thread.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <type_traits>

#include "s3/base/text.h"

namespace pipeline {

// Writes a line without building a JSON document first, because a run may write millions of lines.
class ChecksummedLine {
 public:
  explicit ChecksummedLine(std::string_view record);

  // Adds a number or a boolean.
  template <typename Value>
  void Literal(std::string_view name, Value value) {
    Name(name);
    if constexpr (std::is_integral_v<Value> && !std::is_same_v<Value, bool>) {
      const fmt::format_int digits(value);
      text_.append(digits.data(), digits.size());
    } else {
      fmt::format_to(std::back_inserter(text_), "{}", value);
    }
  }
  // Adds a text. Replaces bytes that are not UTF-8 by U+FFFD, because a server's message may contain any
  // bytes.
  void Text(std::string_view name, std::string_view value);
  // Adds a file name or a key without losing a byte: as text if `value` is UTF-8, else in base64, in the
  // field "NAME_base64".
  void Bytes(std::string_view name, const std::string& value);
  void Json(std::string_view name, const nlohmann::json& value);

  // Adds the checksum and returns the line with its newline.
  std::string WithChecksum() &&;

 private:
  void Name(std::string_view name) { s3::Append(&text_, {",\"", name, "\":"}); }

  std::string text_;
};

// Returns true if `line`, which has no newline, ends with the right checksum.
bool IsIntact(std::string_view line);

// Returns the value that Bytes() wrote to field `name`. Throws an exception of nlohmann::json if the field is
// missing or of another type.
std::string BytesOf(const nlohmann::json& line, const std::string& name);

// Returns true for well-formed UTF-8 (The Unicode Standard, table 3-7), without overlong forms and
// surrogates.
bool IsUtf8(std::string_view text);

}  // namespace pipeline
