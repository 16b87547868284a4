#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "config/job.h"

// Any job file: the loader returns problems, or a job that can be shown.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto environment = [](const std::string&) { return std::optional<std::string>("value"); };
  const auto job = config::ParseJob(text, "job.yaml", {}, environment);
  if (!job) {
    if (job.error().empty()) __builtin_trap();
    return 0;
  }
  (void)config::ShowJob(*job, true);
  (void)config::ShowIdentity(*job);
  return 0;
}
