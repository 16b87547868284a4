// The part of a job that one process uploads when several upload the job together. Values; pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

// pipeline/runtime/scheduler.h finds out the shard of this process.
struct Shard {
  int index = 0;  // from 0
  int count = 1;

  // True when the key belongs to this shard of a job without a plan: the first 8 bytes of the key's SHA-256,
  // as a big-endian number, are `index` modulo `count`.
  bool Has(std::string_view key) const;
  std::string Text() const;  // "3/8"
};

// Returns "0,3-7" for {0, 3, 4, 5, 6, 7}. Precondition: `numbers` ascend.
std::string RangesText(const std::vector<int>& numbers);

}  // namespace pipeline
