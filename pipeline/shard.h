// The part of a job that one process uploads when several processes upload the job together. Values; pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

// ParseShard() in pipeline/runtime/scheduler.h finds the shard of this process.
struct Shard {
  int index = 0;  // from 0
  int count = 1;

  // Returns true if the key belongs to this shard. Only jobs without a plan use this. The index of a key's
  // shard is the first 8 bytes of the key's SHA-256, read as a big-endian number, modulo `count`.
  bool Has(std::string_view key) const;
  std::string Text() const;  // "3/8"
};

// Returns "0,3-7" for {0, 3, 4, 5, 6, 7}. Precondition: `numbers` are sorted, without duplicates.
std::string RangesText(const std::vector<int>& numbers);

}  // namespace pipeline
