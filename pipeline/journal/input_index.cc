#include "pipeline/journal/input_index.h"

#include <algorithm>

namespace pipeline {

void InputIndex::Builder::Add(const InputId& id, const ResultRecord& result, bool in_scope) {
  // A failed or cancelled request may have stored the object, if only its response was lost.
  const bool may_write = result.outcome != Outcome::kSkipped && result.attempts > 0;
  auto& entry = index_.entries_.emplace_back();
  entry.id = id;
  entry.size_bytes = result.size_bytes;
  entry.mtime_ns = result.mtime_ns;
  entry.outcome = result.outcome;
  entry.kind = result.kind;
  entry.in_scope = in_scope;
  entry.may_write = may_write;
}

// Precondition: `results` are sorted by key, and results of one key are in the journal's order.
bool InputIndex::Builder::StillCounts(const std::vector<Entry>& results, std::size_t index) {
  const auto& result = results[index];
  for (auto later = index + 1; later < results.size(); ++later) {
    if (results[later].id.object != result.id.object) break;
    if (results[later].id == result.id || results[later].may_write) return false;
  }
  return result.in_scope;
}

InputIndex InputIndex::Builder::Build() && {
  auto& entries = index_.entries_;
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.id.object < b.id.object; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!StillCounts(entries, i)) continue;
    index_.Count(entries[i]);
    if (entries[i].outcome != Outcome::kCancelled) entries[kept++] = entries[i];
  }
  entries.resize(kept);
  entries.shrink_to_fit();
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.id < b.id; });
  return std::move(index_);
}

void InputIndex::Count(const Entry& entry) {
  ObjectResult result;
  result.outcome = entry.outcome;
  result.size_bytes = entry.size_bytes;
  if (entry.outcome == Outcome::kFailed) result.error = s3::Error{.kind = entry.kind};
  const bool is_done = entry.outcome != Outcome::kFailed && entry.outcome != Outcome::kCancelled;
  auto& counts = is_done ? done_ : unfinished_;
  ++counts.found;
  counts.Count(result);
  if (is_done) done_work_ = {done_work_.inputs + 1, done_work_.bytes + entry.size_bytes};
}

const InputIndex::Entry* InputIndex::Find(const InputFile& file) const {
  if (entries_.empty()) return nullptr;
  const auto wanted = InputIdOf(file);
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), wanted,
                                      [](const Entry& entry, const InputId& id) { return entry.id < id; });
  return found != entries_.end() && found->id == wanted ? &*found : nullptr;
}

InputState InputIndex::StateOf(const InputFile& file) const { return StateOf(file, Find(file)); }

InputState InputIndex::StateOf(const InputFile& file, const Entry* entry) {
  if (entry == nullptr) return InputState::kNew;
  if (entry->outcome == Outcome::kFailed) return InputState::kFailed;
  if (file.is_stream) return InputState::kDone;
  // The result of a range has the range's size, not the file's.
  const bool is_same_size = file.range || entry->size_bytes == file.size_bytes;
  const bool is_same = is_same_size && entry->mtime_ns == file.mtime_ns;
  return is_same ? InputState::kDone : InputState::kStale;
}

std::optional<DoneInput> InputIndex::FindDone(const InputFile& file) const {
  const auto* const entry = Find(file);
  if (StateOf(file, entry) != InputState::kDone) return std::nullopt;
  return DoneInput{entry->outcome, entry->size_bytes};
}

}  // namespace pipeline
