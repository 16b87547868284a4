#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/plan/manifest.h"

// One line of a plan's manifest, without its CRC.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)pipeline::ReadManifestLine(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
