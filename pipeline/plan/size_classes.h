// A spool on disk for more inputs than memory holds, read again by size, the greatest first. Not thread-safe.
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

// Sorted by class, not by byte: sizes of one class differ by a quarter at most. So nothing is sorted, what is
// written is read once, and memory is a buffer for each class in use.
class SizeClasses {
 public:
  // Files go into PLAN/spool, which is made, and removed when this ends. What goes wrong with that is said by
  // the first Add.
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

  // Gives all, or those of the classes above that of `bytes`, to `take`, the greatest class first; they are
  // taken out. Ends at its first error, which is returned.
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
