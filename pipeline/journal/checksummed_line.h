// The form of a line in the journal and in the manifests of a plan: one JSON object, whose first field is
// `record` and whose last is the CRC-32C of all before it. Names are bytes. Pure, any thread.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <type_traits>

#include "s3/base/text.h"

namespace pipeline {

// Longer than any line of ours: a key has 1,024 bytes at most, a path some thousand, job settings more.
inline constexpr std::size_t kMaxLineBytes = 16 << 20;

// Writes a line without making a document first: there may be millions.
class ChecksummedLine {
 public:
  explicit ChecksummedLine(std::string_view record);

  // A number or a boolean, as JSON writes it.
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
  // What is no UTF-8 in it becomes U+FFFD: a server's message may hold any bytes.
  void Text(std::string_view name, std::string_view value);
  // As it is; what is no UTF-8 as "NAME_base64".
  void Bytes(std::string_view name, const std::string& value);
  void Json(std::string_view name, const nlohmann::json& value);

  // The line, with its newline.
  std::string Seal() &&;

 private:
  void Name(std::string_view name) { s3::Append(&text_, {",\"", name, "\":"}); }

  std::string text_;
};

// `line` without its newline; false when it is not whole.
bool IsIntact(std::string_view line);

// What Bytes has written. Throws nlohmann's exceptions when it is not there or of another type.
std::string BytesOf(const nlohmann::json& line, const std::string& name);

// Well-formed UTF-8 as in the Unicode Standard, table 3-7: no overlong forms, no surrogates.
bool IsUtf8(std::string_view text);

}  // namespace pipeline
