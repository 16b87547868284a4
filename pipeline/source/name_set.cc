#include "pipeline/source/name_set.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "s3/hash/hash.h"

namespace pipeline {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kTables = 256;
// The slots of one page, the smallest unit of memory. Tables have whole pages.
constexpr std::size_t kPageSlots = 4096 / sizeof(std::uint64_t);

}  // namespace

NameSet::Slots::Slots(std::size_t size) : slots_(nullptr), size_(size) {
  void* const pages =
      mmap(nullptr, size * sizeof *slots_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  slots_ = static_cast<std::uint64_t*>(pages);
}

NameSet::Slots::~Slots() {
  if (slots_ != nullptr) munmap(slots_, size_ * sizeof *slots_);
}

NameSet::Slots& NameSet::Slots::operator=(Slots&& other) noexcept {
  std::swap(slots_, other.slots_);
  std::swap(size_, other.size_);
  return *this;
}

NameSet::NameSet() : key_(s3::RandomBytes(kKeyBytes)) {
  tables_.reserve(kTables);
  for (std::size_t i = 0; i < kTables; ++i) tables_.push_back({Slots(kPageSlots)});
}

std::pair<std::size_t, std::uint64_t> NameSet::MarkOf(std::string_view name) const {
  const auto digest = s3::HmacSha256(key_, name);
  std::uint64_t mark;
  std::memcpy(&mark, digest.data(), sizeof mark);
  return {digest[sizeof mark] % kTables, std::max<std::uint64_t>(mark, 1)};
}

std::size_t NameSet::Table::SlotOf(std::uint64_t mark) const {
  // Scales the upper half of the mark to the number of slots, which is no power of two.
  auto slot = static_cast<std::size_t>(((mark >> 32) * slots.size()) >> 32);
  while (slots[slot] != 0 && slots[slot] != mark) slot = slot + 1 == slots.size() ? 0 : slot + 1;
  return slot;
}

void NameSet::Table::Grow() {
  const auto pages = slots.size() / kPageSlots;
  const Slots old = std::exchange(slots, Slots((pages + std::max<std::size_t>(pages / 4, 1)) * kPageSlots));
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (old[i] != 0) slots[SlotOf(old[i])] = old[i];
  }
}

bool NameSet::Insert(std::string_view name) {
  const auto [index, mark] = MarkOf(name);
  auto& table = tables_[index];
  // Some slots always stay free, so that every search ends.
  if (table.used + 1 > table.slots.size() * 19 / 20) table.Grow();
  auto& slot = table.slots[table.SlotOf(mark)];
  if (slot != 0) return false;
  slot = mark;
  ++table.used;
  return true;
}

bool NameSet::Contains(std::string_view name) const {
  const auto [index, mark] = MarkOf(name);
  const auto& table = tables_[index];
  return table.slots[table.SlotOf(mark)] != 0;
}

}  // namespace pipeline
