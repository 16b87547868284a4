#include "pipeline/journal/input_id.h"

#include <fmt/format.h>

#include <cstring>

#include "s3/hash/hash.h"

namespace pipeline {
namespace {

std::uint64_t DigestStart(std::string_view text) {
  const auto digest = s3::Sha256(text);
  std::uint64_t bytes;
  std::memcpy(&bytes, digest.data(), sizeof bytes);
  return bytes;
}

}  // namespace

InputId InputIdOf(std::string_view path, std::string_view key, int first_part) {
  const auto object =
      first_part == 0 ? DigestStart(key) : DigestStart(fmt::format("{}{}{}", key, '\0', first_part));
  return {object, DigestStart(path)};
}

InputId InputIdOf(const InputFile& file) {
  return InputIdOf(file.path, file.key, file.range ? file.range->first : 0);
}

}  // namespace pipeline
