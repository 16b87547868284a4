// Identifies an input in journals and plans by digests of its path and its key. Values; pure functions, any
// thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "pipeline/message.h"

namespace pipeline {

struct InputId {
  std::uint64_t object = 0;  // 8 bytes of a SHA-256: of the key, and of a range's first part number
  std::uint64_t path = 0;    // 8 bytes of the SHA-256 of the path

  bool operator==(const InputId&) const = default;
  bool operator<(const InputId& other) const {
    return object != other.object ? object < other.object : path < other.path;
  }
};

// `first_part`: the number of a range's first part; 0 for a whole file.
InputId InputIdOf(std::string_view path, std::string_view key, int first_part = 0);
InputId InputIdOf(const InputFile& file);

}  // namespace pipeline
