// A string that prints as **redacted** and whose memory is overwritten when it is destroyed.
#pragma once

#include <fmt/format.h>
#include <string.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace s3 {

// Overwrites the memory of `*text` and empties it.
inline void Wipe(std::string* text) {
  // The compiler never removes a call of explicit_bzero. capacity() covers the small-string buffer, too.
  explicit_bzero(text->data(), text->capacity());
  text->clear();
}

// Copies are secrets, too. A secret that was moved from is empty, and its memory is overwritten.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view value) : value_(value) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.Wipe(); }
  Secret& operator=(Secret other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  ~Secret() { Wipe(); }

  // Returns the text. There is no other access, so a search for this name finds all uses.
  std::string_view Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  void Wipe() { s3::Wipe(&value_); }

  std::string value_;
};

inline std::string_view Redacted(const Secret& secret) { return secret.empty() ? "" : "**redacted**"; }

// Replaces the secret by "(redacted)" in a text that a server wrote. The first 12 bytes of the secret are
// enough, because the server may have cut the text. Secrets of less than 12 bytes are not replaced, because
// they could be ordinary words.
void RedactIn(std::string* text, const Secret& secret);

inline std::ostream& operator<<(std::ostream& out, const Secret& secret) { return out << Redacted(secret); }

}  // namespace s3

template <>
struct fmt::formatter<s3::Secret> : fmt::formatter<std::string_view> {
  auto format(const s3::Secret& secret, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(s3::Redacted(secret), context);
  }
};
