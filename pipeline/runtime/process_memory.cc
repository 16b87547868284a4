#include "pipeline/runtime/process_memory.h"

#include <cstdlib>
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

}  // namespace pipeline
