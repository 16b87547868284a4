#include "s3/base/secret.h"

#include <algorithm>

namespace s3 {

void RedactIn(std::string* text, const Secret& secret) {
  constexpr std::size_t kMinMatch = 12;
  const auto beginning = secret.Reveal().substr(0, kMinMatch);
  if (beginning.size() < kMinMatch) return;
  for (auto at = text->find(beginning); at != std::string::npos; at = text->find(beginning, at)) {
    // Redacts the matching text and the rest of the word, because the rest of the word may be the rest of the
    // secret in an encoded form.
    auto end = at + beginning.size();
    while (end < text->size() && end - at < secret.Reveal().size() &&
           (*text)[end] == secret.Reveal()[end - at])
      ++end;
    end = std::min(text->find_first_of(" \t<>\"'", end), text->size());
    text->replace(at, end - at, "(redacted)");
  }
}

}  // namespace s3
