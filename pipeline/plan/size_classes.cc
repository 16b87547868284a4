#include "pipeline/plan/size_classes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <charconv>

#include "pipeline/fs/files.h"
#include "pipeline/fs/line_reader.h"

namespace pipeline {
namespace {

constexpr char kSpool[] = "spool";

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

SizeClasses::SizeClasses(const OwnDir& plan_dir)
    : plan_dir_(plan_dir), directory_(plan_dir.MakeEmptyDir(kSpool)) {}

SizeClasses::~SizeClasses() {
  if (!directory_) return;
  for (std::size_t index = 0; index < kClasses; ++index) {
    if (!files_[index]) continue;
    files_[index].reset();
    directory_->Remove(std::to_string(index));
  }
  unlinkat(plan_dir_.fd(), kSpool, AT_REMOVEDIR);
}

// Four classes for each power of two: the position of the leading bit, and the two bits after it.
std::size_t SizeClasses::ClassOf(std::uint64_t bytes) {
  const auto width = static_cast<std::size_t>(std::bit_width(bytes));
  if (width < 3) return 4 * width;
  return 4 * width + ((bytes >> (width - 3)) & 3);
}

s3::Error SizeClasses::Failure(std::size_t index, int error) const {
  return ErrnoError(directory_->PathOf(std::to_string(index)), error);
}

s3::Result<void> SizeClasses::Add(const Item& item) {
  if (!directory_) return tl::unexpected(directory_.error());
  const auto index = ClassOf(item.bytes);
  auto& file = files_[index];
  if (!file) {
    auto made = directory_->Create(std::to_string(index), 0600);
    if (!made) return tl::unexpected(made.error());
    file.emplace(fdopen(made->get(), "a"), std::fclose);
    if (!*file) return tl::unexpected(Failure(index, errno));
    (void)made->Release();  // fclose closes the descriptor
  }
  const auto head = fmt::format("{} {} ", item.bytes, item.requests);
  const bool written = std::fwrite(head.data(), 1, head.size(), file->get()) == head.size() &&
                       std::fwrite(item.line.data(), 1, item.line.size(), file->get()) == item.line.size();
  if (!written) return tl::unexpected(Failure(index, errno));
  return {};
}

s3::Result<void> SizeClasses::DrainFrom(std::size_t lowest, const Take& take) {
  for (std::size_t index = kClasses; index-- > lowest;) {
    auto& file = files_[index];
    if (!file) continue;
    if (std::fflush(file->get()) != 0) return tl::unexpected(Failure(index, errno));
    const auto name = std::to_string(index);
    auto spooled = directory_->Read(name);
    if (!spooled) return tl::unexpected(spooled.error());
    LineReader lines(std::move(*spooled), directory_->PathOf(name));
    std::string text;
    while (const auto line = lines.Next()) {
      text.assign(*line);
      text += '\n';
      const auto item = Parse(text);
      if (!item)
        return s3::Fail(s3::ErrorKind::kLocal,
                        directory_->PathOf(name) + ": this spool file is damaged: run s3flow plan again");
      if (auto taken = take(*item); !taken) return taken;
    }
    if (lines.failure()) return tl::unexpected(*lines.failure());
    file.reset();
    directory_->Remove(name);
  }
  return {};
}

}  // namespace pipeline
