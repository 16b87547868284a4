#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "pipeline/source/name_list.h"

// A list of names, source[].files_from and files_from0. No name may lead out of the root.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const char separator = rest.front() % 2 == 0 ? '\n' : '\0';
  rest.remove_prefix(1);
  pipeline::NameReader reader(
      [&rest](std::span<char> bytes) -> s3::Result<std::size_t> {
        const auto length = std::min(rest.size(), bytes.size());
        std::copy_n(rest.begin(), length, bytes.begin());
        rest.remove_prefix(length);
        return length;
      },
      separator);
  for (auto next = reader.Next(); next && *next; next = reader.Next()) {
    if ((*next)->name.size() > pipeline::kMaxNameBytes) __builtin_trap();
    const auto path = pipeline::PathBelowRoot(**next, {"/data", "/home/../data"});
    if (!path) continue;
    const auto framed = "/" + *path + "/";
    for (const auto* bad : {"//", "/./", "/../"}) {
      if (framed.find(bad) != std::string::npos) __builtin_trap();
    }
    if (path->empty() || path->find('\0') != std::string::npos) __builtin_trap();
  }
  return 0;
}
