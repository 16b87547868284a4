#include "pipeline/size_classes.h"

#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "pipeline/files.h"

namespace pipeline {
namespace {

// "BYTES REQUESTS LINE"
std::optional<SizeClasses::Item> Parse(const std::string& text) {
  SizeClasses::Item item;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, item.bytes);
  if (error != std::errc() || at == end) return std::nullopt;
  const auto [line, bad] = std::from_chars(at + 1, end, item.requests);
  if (bad != std::errc() || line == end) return std::nullopt;
  item.line = {line + 1, static_cast<std::size_t>(end - line - 1)};
  return item;
}

}  // namespace

SizeClasses::SizeClasses(std::string directory) : directory_(std::move(directory)) {
  std::error_code none;
  std::filesystem::remove_all(directory_, none);  // of a plan that was killed
  std::filesystem::create_directories(directory_, none);
}

SizeClasses::~SizeClasses() {
  for (auto& file : files_) file.reset();
  std::error_code none;
  std::filesystem::remove_all(directory_, none);
}

// The power of two below, and the two bits behind its leading one.
std::size_t SizeClasses::ClassOf(std::uint64_t bytes) {
  const auto width = static_cast<std::size_t>(std::bit_width(bytes));
  if (width < 3) return 4 * width;
  return 4 * width + ((bytes >> (width - 3)) & 3);
}

std::string SizeClasses::PathOf(std::size_t index) const { return fmt::format("{}/{}", directory_, index); }

s3::Result<void> SizeClasses::Add(const Item& item) {
  const auto index = ClassOf(item.bytes);
  auto& file = files_[index];
  if (!file) {
    file.emplace(std::fopen(PathOf(index).c_str(), "we"), std::fclose);
    if (!*file) return tl::unexpected(ErrnoError(PathOf(index), errno));
  }
  const auto head = fmt::format("{} {} ", item.bytes, item.requests);
  const bool written = std::fwrite(head.data(), 1, head.size(), file->get()) == head.size() &&
                       std::fwrite(item.line.data(), 1, item.line.size(), file->get()) == item.line.size();
  if (!written) return tl::unexpected(ErrnoError(PathOf(index), errno));
  return {};
}

s3::Result<void> SizeClasses::DrainFrom(std::size_t lowest, const Take& take) {
  for (std::size_t index = kClasses; index-- > lowest;) {
    auto& file = files_[index];
    if (!file) continue;
    if (std::fflush(file->get()) != 0) return tl::unexpected(ErrnoError(PathOf(index), errno));
    file.reset();
    std::ifstream spooled(PathOf(index), std::ios::binary);
    for (std::string text; std::getline(spooled, text);) {
      text += '\n';
      const auto item = Parse(text);
      if (!item) return s3::Fail(s3::ErrorKind::kLocal, PathOf(index) + ": cannot be read");
      if (auto taken = take(*item); !taken) return taken;
    }
    if (spooled.bad()) return s3::Fail(s3::ErrorKind::kLocal, PathOf(index) + ": cannot be read");
    std::error_code none;
    std::filesystem::remove(PathOf(index), none);
  }
  return {};
}

}  // namespace pipeline
