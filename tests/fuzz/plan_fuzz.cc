#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pipeline/plan/job_plan.h"

// A plan.json that anybody may have written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = [] {
    std::string name = "/tmp/s3flow-fuzz-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }();
  const int fd = open((path + "/plan.json").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, data, size) != static_cast<ssize_t>(size)) std::abort();
  close(fd);
  const auto directory = pipeline::OwnDir::Open(path);
  if (!directory) std::abort();
  if (const auto plan = pipeline::LoadPlan(*directory)) {
    (void)pipeline::PlanText(*plan, 1'000'000, 100);
    (void)pipeline::PlanText(*plan, 0, 0);
  }
  return 0;
}
