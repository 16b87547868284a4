// A string that does not show itself: prints as **redacted** and is wiped when it goes.
#pragma once

#include <fmt/format.h>
#include <string.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace s3 {

// Overwrites a text that holds a secret, and empties it.
inline void Wipe(std::string* text) {
  // explicit_bzero is not optimised away; capacity covers the small-string buffer too.
  explicit_bzero(text->data(), text->capacity());
  text->clear();
}

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

  // The only way to the text: every use can be found by this name.
  std::string_view Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  void Wipe() { s3::Wipe(&value_); }

  std::string value_;
};

inline std::string_view Redacted(const Secret& secret) { return secret.empty() ? "" : "**redacted**"; }

// Blanks the secret out of a text that somebody else wrote and that may be cut: a beginning is enough.
void RedactIn(std::string* text, const Secret& secret);

inline std::ostream& operator<<(std::ostream& out, const Secret& secret) { return out << Redacted(secret); }

}  // namespace s3

template <>
struct fmt::formatter<s3::Secret> : fmt::formatter<std::string_view> {
  auto format(const s3::Secret& secret, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(s3::Redacted(secret), context);
  }
};
