#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "pipeline/fs/zstd_file.h"
#include "pipeline/journal/history.h"
#include "pipeline/journal/journal_file.h"
#include "s3/hash/checksum.h"

// A journal that anybody may have written. Each line gets a right CRC when the first byte is odd, so that the
// records themselves are reached. With the second bit of the first byte, the rest is a compressed journal.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool is_compressed = (data[0] & 2) != 0;
  std::string journal(is_compressed ? pipeline::kZstdHead : "");
  while ((data[0] & 3) == 1 && !text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    char crc[32];
    std::snprintf(crc, sizeof crc, ",\"crc\":\"%08x\"}\n", s3::Crc32c(line));
    journal.append(line).append(crc);
  }
  journal.append(text);
  static const std::string directory = [] {
    std::string name = "/tmp/s3flow-fuzz-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    return name + "/";
  }();
  const auto path = directory + (is_compressed ? pipeline::kCompressedJournalName : pipeline::kJournalName);
  const int fd = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, journal.data(), journal.size()) != static_cast<ssize_t>(journal.size()))
    std::abort();
  close(fd);
  auto history = pipeline::History::Load(path);
  if (!is_compressed && history && history->intact_bytes() + history->torn_bytes() != journal.size())
    __builtin_trap();
  if (history) (void)history->uploads().TakeAll();
  (void)pipeline::History::Load(path, pipeline::History::Depth::kOpenUploads);
  return 0;
}
