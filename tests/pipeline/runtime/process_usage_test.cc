#include "pipeline/runtime/process_usage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace pipeline {
namespace process_usage_test {

TEST(ProcessMemoryTest, ThePeakContainsWhatWasTouched) {
  constexpr std::size_t kBytes = 64 << 20;
  {
    std::vector<char> touched(kBytes);
    std::fill(touched.begin(), touched.end(), 'x');
    ASSERT_EQ(std::count(touched.begin(), touched.end(), 'x'), static_cast<std::ptrdiff_t>(kBytes));
  }
  EXPECT_GE(PeakMemoryBytes(), kBytes) << "the peak stays when memory is freed";
}

}  // namespace process_usage_test
}  // namespace pipeline
