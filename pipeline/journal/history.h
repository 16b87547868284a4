// The content of a run directory's journal: how inputs ended, and which uploads are open. A session loads the
// history once, when it begins. Memory: 40 bytes for each input that has a result.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/input_index.h"
#include "pipeline/journal/journal_file.h"
#include "pipeline/journal/open_uploads.h"
#include "pipeline/journal/record.h"
#include "s3/base/result.h"

namespace pipeline {

// Immutable, except for its open uploads, which are thread-safe.
class History {
 public:
  // Makes the empty history of a new run.
  History();

  // How much to load. kOpenUploads loads the open uploads and only counts results, in session_results(). It
  // takes a tenth of the time of kAll.
  enum class Depth { kAll, kOpenUploads };

  // Reads the journal of `directory`. If there is no journal, the history is empty. A torn last line is left
  // out; see torn_bytes(). Errors are those of JournalReader and OwnDir. `scope` is the scope of the session
  // that begins. If an object was stored with other properties than in `scope`, its result is ignored. If an
  // upload was created with other properties, it is outdated. If `scope` is null, properties are not
  // compared.
  static s3::Result<History> Load(const OwnDir& directory, Depth depth = Depth::kAll,
                                  const RunScope* scope = nullptr);
  // The same for a single journal file, whose directory need not be trusted.
  static s3::Result<History> Load(const std::string& journal_path, Depth depth = Depth::kAll,
                                  const RunScope* scope = nullptr);

  // Returns the record of the last session; nothing if no session has begun.
  const std::optional<RunRecord>& run() const { return run_; }
  // Returns false if the last session left work, or has not ended.
  bool complete() const { return end_ && end_->complete; }
  std::uint64_t intact_bytes() const { return intact_bytes_; }
  std::uint64_t torn_bytes() const { return torn_bytes_; }
  // Returns the number of results of the last session, by the outcome's name. Empty without kOpenUploads.
  const std::map<std::string, std::uint64_t, std::less<>>& session_results() const {
    return session_results_;
  }

  const InputIndex& inputs() const { return inputs_; }
  OpenUploads& uploads() { return *uploads_; }
  const OpenUploads& uploads() const { return *uploads_; }

 private:
  class Loader;
  static s3::Result<History> Load(s3::Result<std::optional<JournalFile>> file, Depth depth,
                                  const RunScope* scope);

  std::optional<RunRecord> run_;
  std::optional<EndRecord> end_;
  std::uint64_t intact_bytes_ = 0, torn_bytes_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> session_results_;
  InputIndex inputs_;
  std::unique_ptr<OpenUploads> uploads_;  // never null
};

}  // namespace pipeline
