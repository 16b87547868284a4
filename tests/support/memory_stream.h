// A FILE in memory, and texts that try to control a terminal.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "s3/base/printable.h"
#include "tests/support/support.h"

namespace test {

// Everything that a name or a message can contain: controls, invisible characters, bytes that are not UTF-8.
inline const std::string kHostile =
    "a\x1b[2J\r\nfake: line\xc2\x9b"
    "31m\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xff\\";
// kHostile as a terminal gets it, without the final backslash, which is doubled only in names.
inline const std::string kShown = "a\\x1b[2J\\x0d\\x0afake: line\\u{9B}31m\\u{202E}\\u{2066}\\u{2028}\\xff";

class MemoryStream {
 public:
  MemoryStream() : file_(open_memstream(&text_, &size_)) {}
  ~MemoryStream() {
    std::fclose(file_);
    std::free(text_);
  }
  MemoryStream(const MemoryStream&) = delete;
  MemoryStream& operator=(const MemoryStream&) = delete;

  std::FILE* file() const { return file_; }
  std::string Written() const {
    std::fflush(file_);
    return std::string(text_, size_);
  }

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* const file_;
};

// Checks that `text` has `lines` lines, and that no character in it can control a terminal.
inline void ExpectHarmless(const std::string& text, std::size_t lines) {
  EXPECT_EQ(Lines(text).size(), lines) << text;
  for (const auto& line : Lines(text)) {
    for (std::string_view rest = line; !rest.empty();) {
      const auto [code, bytes] = s3::FirstCharacter(rest);
      ASSERT_GT(bytes, 0u) << "not UTF-8: " << text;
      ASSERT_FALSE(s3::IsHidden(code)) << text;
      rest.remove_prefix(bytes);
    }
  }
}

}  // namespace test
