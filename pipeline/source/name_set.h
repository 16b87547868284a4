// A set of names that takes little memory: about 10 bytes for each name, however long it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pipeline {

// Stores 72 bits of each name's HMAC-SHA-256 under a random key: 64 bits in a slot of 8 bytes, and 8 bits as
// the number of the table with that slot. So two different names count as one with a probability of n * n /
// 2^73 among n names: 1e-10 for a million, 1e-6 for 100 million. Nobody can choose names that collide,
// because the key is unknown. Not thread-safe; several threads may call Contains().
class NameSet {
 public:
  NameSet();
  // Returns false if the name is in the set. Throws std::bad_alloc if there is no memory.
  bool Insert(std::string_view name);
  bool Contains(std::string_view name) const;

 private:
  // An array of slots in pages of its own, because arrays that grow in the heap leave holes there.
  class Slots {
   public:
    explicit Slots(std::size_t size);
    ~Slots();
    Slots(Slots&& other) noexcept
        : slots_(std::exchange(other.slots_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Slots& operator=(Slots&& other) noexcept;

    std::size_t size() const { return size_; }
    std::uint64_t& operator[](std::size_t i) { return slots_[i]; }
    std::uint64_t operator[](std::size_t i) const { return slots_[i]; }

   private:
    std::uint64_t* slots_;
    std::size_t size_;
  };

  // Open addressing. Grows by a quarter, so that a large table is 76 to 95 % full; the other tables keep
  // their memory meanwhile. A slot of 0 is free.
  struct Table {
    Slots slots;
    std::size_t used = 0;

    // Returns the slot with `mark`, or the free slot where it belongs.
    std::size_t SlotOf(std::uint64_t mark) const;
    void Grow();
  };

  // Returns the index of the table, and the mark in it.
  std::pair<std::size_t, std::uint64_t> MarkOf(std::string_view name) const;

  std::string key_;
  std::vector<Table> tables_;
};

}  // namespace pipeline
