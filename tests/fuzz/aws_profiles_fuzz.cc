#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "s3/credentials/providers/process.h"
#include "s3/credentials/providers/profiles.h"

// ~/.aws/config and the command line of credential_process.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)s3::ParseIni(text);
  (void)s3::SplitCommand(text);
  return 0;
}
