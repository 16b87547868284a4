#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pipeline/plan/job_plan.h"
#include "tests/fuzz/fuzz_files.h"

// A plan.json that anybody may have written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto path = fuzz::MakeDirectory();
  fuzz::WriteFile(path + "/plan.json", {reinterpret_cast<const char*>(data), size});
  const auto directory = pipeline::OwnDir::Open(path);
  if (!directory) std::abort();
  if (const auto plan = pipeline::LoadPlan(*directory)) {
    (void)pipeline::PlanText(*plan, 1'000'000, 100);
    (void)pipeline::PlanText(*plan, 0, 0);
  }
  return 0;
}
