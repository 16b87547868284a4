#include "s3/base/secret.h"

#include <algorithm>

namespace s3 {

void RedactIn(std::string* text, const Secret& secret) {
  constexpr std::size_t kTelling = 12;
  const auto beginning = secret.Reveal().substr(0, kTelling);
  if (beginning.size() < kTelling) return;
  for (auto at = text->find(beginning); at != std::string::npos; at = text->find(beginning, at)) {
    // All of it that is there, and the rest of the word: what follows may be an encoding of more.
    auto end = at + beginning.size();
    while (end < text->size() && end - at < secret.Reveal().size() &&
           (*text)[end] == secret.Reveal()[end - at])
      ++end;
    end = std::min(text->find_first_of(" \t<>\"'", end), text->size());
    text->replace(at, end - at, "(redacted)");
  }
}

}  // namespace s3
