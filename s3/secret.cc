#include "s3/secret.h"

#include <algorithm>

namespace s3 {

void RedactIn(std::string* text, const Secret& secret) {
  constexpr std::size_t kTelling = 12;
  const auto beginning = secret.Reveal().substr(0, kTelling);
  if (beginning.size() < kTelling) return;
  for (auto at = text->find(beginning); at != std::string::npos; at = text->find(beginning, at)) {
    const auto end = std::min(text->find_first_of(" \t<>\"'", at), text->size());
    text->replace(at, end - at, "(redacted)");
  }
}

}  // namespace s3
