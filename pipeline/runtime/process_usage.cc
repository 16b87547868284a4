#include "pipeline/runtime/process_usage.h"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

namespace pipeline {

// Reads /proc/self/status (proc_pid_status(5)), because getrusage(2) includes the memory that the process had
// before execve(2).
std::uint64_t PeakMemoryBytes() {
  constexpr std::string_view kField = "VmHWM:";  // in KiB
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kField)) return std::strtoull(line.c_str() + kField.size(), nullptr, 10) * 1024;
  }
  return 0;
}

double ProcessCpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace pipeline
