#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/fs/zstd_file.h"
#include "pipeline/journal/history.h"
#include "pipeline/journal/journal_file.h"
#include "tests/fuzz/fuzz_files.h"

// A journal that anybody may have written. Each line gets a right CRC when the first byte is odd, so that the
// records themselves are reached. With the second bit of the first byte, the rest is a compressed journal.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool is_compressed = (data[0] & 2) != 0;
  const bool adds_checksums = (data[0] & 3) == 1;
  std::string journal(is_compressed ? pipeline::kZstdHead : "");
  journal += adds_checksums ? fuzz::WithChecksums(text) : std::string(text);
  static const auto directory = fuzz::MakeDirectory();
  const auto path =
      directory + "/" + (is_compressed ? pipeline::kCompressedJournalName : pipeline::kJournalName);
  fuzz::WriteFile(path, journal);
  auto history = pipeline::History::Load(path);
  if (!is_compressed && history && history->intact_bytes() + history->torn_bytes() != journal.size())
    __builtin_trap();
  if (history) (void)history->uploads().TakeAll();
  (void)pipeline::History::Load(path, pipeline::History::Depth::kOpenUploads);
  return 0;
}
