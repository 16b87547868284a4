#include "pipeline/shard.h"

#include <fmt/format.h>

#include "s3/hash/hash.h"

namespace pipeline {

bool Shard::Has(std::string_view key) const {
  const auto digest = s3::Sha256(key);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | digest[i];
  return number % static_cast<std::uint64_t>(count) == static_cast<std::uint64_t>(index);
}

std::string Shard::Text() const { return fmt::format("{}/{}", index, count); }

std::string RangesText(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    text += fmt::format("{}{}", text.empty() ? "" : ",", numbers[i]);
    if (end > i + 1) text += fmt::format("-{}", numbers[end - 1]);
    i = end;
  }
  return text;
}

}  // namespace pipeline
