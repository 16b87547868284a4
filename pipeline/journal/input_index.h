// Finds out how an input of a run ended: keeps the last result of each input, if it is still valid.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/journal/input_id.h"
#include "pipeline/journal/record.h"
#include "pipeline/message.h"
#include "pipeline/progress.h"
#include "pipeline/report/summary.h"

namespace pipeline {

enum class InputState {
  kNew,     // the input has no valid result
  kFailed,  // the last result of the input is a failure
  kDone,    // uploaded, sent or skipped, and the file has not changed since
  kStale    // uploaded, sent or skipped, but the file's size or mtime has changed since
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
  // Returns nothing if the state is not kDone.
  std::optional<DoneInput> FindDone(const InputFile& file) const;

  // Returns the counts of the uploaded, skipped and sent inputs. These inputs need no more work, except for
  // files that have changed since. Some of them may no longer be in the source.
  const Summary& done() const { return done_; }
  // Returns the number of these inputs and their total size, including skipped inputs.
  Work done_work() const { return done_work_; }
  // Returns the counts of the failed and cancelled inputs.
  const Summary& unfinished() const { return unfinished_; }

 private:
  struct Entry {
    InputId id;
    std::uint64_t size_bytes;
    std::int64_t mtime_ns;
    Outcome outcome : 8;
    s3::ErrorKind kind : 8;  // the error's kind, for a failed input
    bool in_scope : 1;
    bool may_write : 1;  // this input may have stored an object under its key
  };
  static_assert(sizeof(Entry) == 40);

  const Entry* Find(const InputFile& file) const;
  static InputState StateOf(const InputFile& file, const Entry* entry);
  void Count(const Entry& entry);

  std::vector<Entry> entries_;  // sorted by ID
  Summary done_, unfinished_;
  Work done_work_;
};

// Builds an index. Not thread-safe.
class InputIndex::Builder {
 public:
  // Adds a result; call it in the journal's order. `in_scope`: true if the result's session stored objects
  // with the same properties as the present session.
  void Add(const InputId& id, const ResultRecord& result, bool in_scope);

  // Returns an index with the last result of each input. Leaves out results that are not in scope, and
  // results of keys that another input may have written later.
  InputIndex Build() &&;

 private:
  static bool StillCounts(const std::vector<Entry>& results, std::size_t index);

  InputIndex index_;  // its entries are all results so far
};

}  // namespace pipeline
