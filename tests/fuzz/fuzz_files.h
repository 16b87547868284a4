// Files for the targets of code that reads files. A failure of this code ends the process.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "s3/hash/checksum.h"

namespace fuzz {

// Returns a new directory that only this user can enter.
inline std::string MakeDirectory() {
  std::string name = "/tmp/s3flow-fuzz-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) std::abort();
  return name;
}

inline void WriteFile(const std::string& path, std::string_view text) {
  const int fd = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  close(fd);
}

// Appends the CRC of a journal's line to each line.
inline std::string WithChecksums(std::string_view text) {
  std::string journal;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::array<char, 32> crc{};
    std::snprintf(crc.data(), crc.size(), ",\"crc\":\"%08x\"}\n", s3::Crc32c(line));
    journal.append(line).append(crc.data());
  }
  return journal;
}

}  // namespace fuzz
