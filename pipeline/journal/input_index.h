// Finds out how an input of a run ended: the last result of each input, if it still counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/journal/input_id.h"
#include "pipeline/journal/record.h"
#include "pipeline/message.h"
#include "pipeline/report/summary.h"

namespace pipeline {

enum class InputState {
  kNew,     // no result counts
  kFailed,  // its last result is a failure
  kDone,    // uploaded or sent with its present size and mtime, or skipped
  kStale    // was done, but the file has changed since
};

// How an input of InputState::kDone ended.
struct DoneInput {
  Outcome outcome;
  std::uint64_t size_bytes;
};

// Immutable once built, so any thread may read it. Memory: 40 bytes for each input.
class InputIndex {
 public:
  class Builder;

  InputState StateOf(const InputFile& file) const;
  // Nothing unless the state is kDone.
  std::optional<DoneInput> FindDone(const InputFile& file) const;

  // Counts the uploaded, skipped and sent inputs. They need no more work unless they have changed. Some of
  // them may have left the source since.
  const Summary& done() const { return done_; }
  // Counts the other inputs that have a result: failed and cancelled ones.
  const Summary& unfinished() const { return unfinished_; }

 private:
  struct Entry {
    InputId id;
    std::uint64_t size_bytes;
    std::int64_t mtime_ns;
    Outcome outcome : 8;
    s3::ErrorKind kind : 8;  // of a failed input
    bool in_scope : 1;
    bool may_write : 1;  // this input may have written the object of its key
  };
  static_assert(sizeof(Entry) == 40);

  const Entry* Find(const InputFile& file) const;
  static InputState StateOf(const InputFile& file, const Entry* entry);
  void Count(const Entry& entry);

  std::vector<Entry> entries_;  // sorted by ID
  Summary done_, unfinished_;
};

// Takes the results in the journal's order. Not thread-safe.
class InputIndex::Builder {
 public:
  // Adds a result. `in_scope`: true if the result's session stored its objects with the properties that
  // objects get now.
  void Add(const InputId& id, const ResultRecord& result, bool in_scope);

  // Keeps the last result of each input. Drops it if it is out of scope, or if another input may have written
  // the same key later.
  InputIndex Build() &&;

 private:
  static bool StillCounts(const std::vector<Entry>& results, std::size_t index);

  InputIndex index_;  // its entries: all results so far
};

}  // namespace pipeline
