// What the journal of a run directory says: how inputs ended, and which uploads are open. Read once, when a
// session begins. Memory: 40 bytes for each input that has a result.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/input_index.h"
#include "pipeline/journal/open_uploads.h"
#include "pipeline/journal/record.h"
#include "s3/base/result.h"

namespace pipeline {

// Immutable but for its open uploads, which are thread-safe.
class History {
 public:
  // Of a run that begins.
  History();

  // kOpenUploads: results are only counted, in `session_results`, which takes a tenth of the time.
  enum class Depth { kAll, kOpenUploads };

  // Reads the journal of `directory`. An absent journal is an empty history. A torn last line is left out,
  // see `intact_bytes`. Fails as JournalReader does. `scope`: of the session that begins; results whose
  // objects were stored with other properties do not count, and uploads that were created with others are
  // outdated. Null: all count.
  static s3::Result<History> Load(const OwnDir& directory, Depth depth = Depth::kAll,
                                  const RunScope* scope = nullptr);
  // The same for a journal whose directory anybody may own.
  static s3::Result<History> Load(const std::string& journal_path, Depth depth = Depth::kAll,
                                  const RunScope* scope = nullptr);

  // The record of the last session; nothing if no session has begun.
  const std::optional<RunRecord>& run() const { return run_; }
  // False while the last session has left work or has not ended.
  bool complete() const { return end_ && end_->complete; }
  std::uint64_t intact_bytes() const { return intact_bytes_; }
  std::uint64_t torn_bytes() const { return torn_bytes_; }
  // Results of the last session, by the outcome's name; only with kOpenUploads.
  const std::map<std::string, std::uint64_t, std::less<>>& session_results() const {
    return session_results_;
  }

  const InputIndex& inputs() const { return inputs_; }
  OpenUploads& uploads() { return *uploads_; }
  const OpenUploads& uploads() const { return *uploads_; }

 private:
  class Loader;
  static s3::Result<History> Load(const OwnDir& directory, const std::string& name, Depth depth,
                                  const RunScope* scope);

  std::optional<RunRecord> run_;
  std::optional<EndRecord> end_;
  std::uint64_t intact_bytes_ = 0, torn_bytes_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> session_results_;
  InputIndex inputs_;
  std::unique_ptr<OpenUploads> uploads_;  // never null
};

}  // namespace pipeline
