// A spool on disk for more inputs than fit in memory, read back by size, the largest first. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/fs/own_dir.h"
#include "s3/base/result.h"

namespace pipeline {

// Returns inputs by size class; the sizes in one class differ by at most a quarter. So no sort is needed:
// each input is written once and read once, and memory is one buffer for each class in use.
class SizeClasses {
 public:
  // Creates PLAN/spool for its files. If that fails, the first Add() returns the error. The destructor
  // removes PLAN/spool.
  explicit SizeClasses(const OwnDir& plan_dir);
  ~SizeClasses();
  SizeClasses(const SizeClasses&) = delete;
  SizeClasses& operator=(const SizeClasses&) = delete;

  struct Item {
    std::uint64_t bytes = 0;
    std::uint64_t requests = 0;
    std::string_view line;  // with its newline
  };
  s3::Result<void> Add(const Item& item);

  // Drain() removes all inputs and passes them to `take`, the largest class first. DrainAbove() does that
  // only with the classes above the class of `bytes`. Stops at the first error of `take` and returns it.
  using Take = std::function<s3::Result<void>(const Item&)>;
  s3::Result<void> Drain(const Take& take) { return DrainFrom(0, take); }
  s3::Result<void> DrainAbove(std::uint64_t bytes, const Take& take) {
    return DrainFrom(ClassOf(bytes) + 1, take);
  }

 private:
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  static constexpr std::size_t kClasses = 4 * 65;
  static std::size_t ClassOf(std::uint64_t bytes);
  s3::Result<void> DrainFrom(std::size_t lowest, const Take& take);
  s3::Error Failure(std::size_t index, int error) const;

  const OwnDir plan_dir_;
  const s3::Result<OwnDir> directory_;
  std::array<std::optional<File>, kClasses> files_;
};

}  // namespace pipeline
