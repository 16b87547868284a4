#include "pipeline/journal/history.h"

#include <utility>
#include <variant>

#include "pipeline/journal/journal_reader.h"

namespace pipeline {

// Applies the records of a journal to a history, one after the other.
class History::Loader {
 public:
  Loader(Depth depth, const RunScope* scope) : depth_(depth), scope_(scope) {}

  // Returns how much of the next result to read. With kOpenUploads results are only counted, and the outcome
  // is enough for that. But while an upload is open, the whole result is read, because it may close the
  // upload.
  JournalReader::Results wanted() const {
    const bool only_counts = depth_ == Depth::kOpenUploads && !history_.uploads_->any();
    return only_counts ? JournalReader::Results::kOutcome : JournalReader::Results::kWhole;
  }

  void operator()(RunRecord& run) {
    in_scope_ = scope_ == nullptr || run.scope.objects.empty() || run.scope.objects == scope_->objects;
    history_.run_ = std::move(run);
    history_.end_.reset();
    history_.session_results_.clear();
  }
  void operator()(EndRecord& end) { history_.end_ = end; }

  void operator()(ResultOutcome& result) { Count(result.name); }
  void operator()(ResultRecord& result) {
    const auto id = InputIdOf(result.path, result.key, result.first_part);
    if (result.outcome == Outcome::kUploaded) history_.uploads_->ApplyUploaded(id);
    if (depth_ == Depth::kAll) {
      inputs_.Add(id, result, in_scope_);
    } else {
      Count(OutcomeName(result.outcome));
    }
  }

  void operator()(UploadRecord& upload) { history_.uploads_->Apply(std::move(upload), !in_scope_); }
  void operator()(CreatingRecord& creating) { history_.uploads_->Apply(std::move(creating)); }
  void operator()(PartRecord& part) { history_.uploads_->Apply(std::move(part)); }
  void operator()(CompletingRecord& completing) { history_.uploads_->Apply(completing); }
  void operator()(GoneRecord& gone) { history_.uploads_->Apply(gone); }

  History Finish(const JournalReader& reader) && {
    history_.intact_bytes_ = reader.intact_bytes();
    history_.torn_bytes_ = reader.torn_bytes();
    history_.inputs_ = std::move(inputs_).Build();
    return std::move(history_);
  }

 private:
  void Count(std::string_view outcome) {
    auto& counts = history_.session_results_;
    const auto count = counts.find(outcome);
    if (count != counts.end()) {
      ++count->second;
    } else {
      counts.emplace(outcome, 1);
    }
  }

  const Depth depth_;
  const RunScope* const scope_;
  bool in_scope_ = true;  // whether the session whose records are read has the properties of `scope_`
  History history_;
  InputIndex::Builder inputs_;
};

History::History() : uploads_(std::make_unique<OpenUploads>()) {}

s3::Result<History> History::Load(const OwnDir& directory, Depth depth, const RunScope* scope) {
  return Load(FindJournal(directory), depth, scope);
}

s3::Result<History> History::Load(const std::string& journal_path, Depth depth, const RunScope* scope) {
  return OwnDir::Around(journal_path, Trust::kOthers).and_then([&](const OwnDir& directory) {
    return Load(FindJournalNamed(directory, NameOf(journal_path)), depth, scope);
  });
}

s3::Result<History> History::Load(s3::Result<std::optional<JournalFile>> file, Depth depth,
                                  const RunScope* scope) {
  if (!file) return tl::unexpected(file.error());
  if (!*file) return History();
  JournalReader reader(std::move(**file));
  Loader loader(depth, scope);
  while (auto record = reader.Next(loader.wanted())) std::visit(loader, *record);
  if (reader.failure()) return tl::unexpected(*reader.failure());
  return std::move(loader).Finish(reader);
}

}  // namespace pipeline
