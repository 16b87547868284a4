// What the journal of a run directory says: how inputs ended, which uploads are open. Read once, when a
// run begins; 40 bytes for each input that has ended.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/record.h"
#include "pipeline/message.h"
#include "pipeline/report/summary.h"
#include "s3/base/result.h"

namespace pipeline {

using PartRecords = std::map<int, PartRecord>;  // by number

// An upload that nobody has seen completed or aborted.
struct OpenUpload {
  UploadRecord record;
  PartRecords parts;
  bool completing = false;  // a completion was sent, whose end nobody knows
  // Its object would be stored with other properties than this session's objects.
  bool outdated = false;
};

// A CreateMultipartUpload that may have made an upload whose ID nobody knows.
struct Creation {
  std::string token;
  std::string key;
  std::int64_t time_s = 0;  // when it was sent, since 1970, by this machine's clock
};

class History {
 public:
  // Of a run that begins.
  History() = default;
  // An absent journal is an empty history. A last line that is not intact is left out (see `intact_bytes`): a
  // crash tears no other. Any other line that is not is an error that names it; so is a file that does not
  // begin as a journal does. kOpenUploads: results are only counted, in `session_results`, which is some ten
  // times as fast. `scope`: of the session that begins. Results whose objects were stored with other
  // properties do not count, and uploads that were created with others are outdated. Null: all count.
  enum class Depth { kAll, kOpenUploads };
  static s3::Result<History> Load(const OwnDir& directory, Depth depth = Depth::kAll,
                                  const RunScope* scope = nullptr);
  // The same, of a journal in anybody's directory.
  static s3::Result<History> Load(const std::string& journal_path, Depth depth = Depth::kAll,
                                  const RunScope* scope = nullptr);
  // Of an input, or of a range of one: 8 bytes of a SHA-256 of the key and the first part, and 8 of the
  // path's.
  using Identity = std::pair<std::uint64_t, std::uint64_t>;
  static Identity IdentityOf(std::string_view path, std::string_view key, int first_part = 0);

  History(History&&) noexcept;
  History& operator=(History&&) noexcept;

  // Of the last session; nothing when the journal says nothing yet.
  const std::optional<RunRecord>& run() const { return run_; }
  // False when the last session left work, or did not come to its end.
  bool complete() const { return end_ && end_->complete; }
  std::uint64_t intact_bytes() const { return intact_bytes_; }
  std::uint64_t torn_bytes() const { return torn_bytes_; }
  // Results of the last session, by outcome; only with kOpenUploads.
  const std::map<std::string, std::uint64_t>& session_results() const { return session_results_; }
  // Uploaded, skipped and sent inputs: what need not be done again. Their bytes are those of the inputs. Some
  // of them may not be in the source any more.
  const Summary& settled() const { return settled_; }
  // The others that have a result: how many failed and were cancelled, and failures by kind.
  const Summary& unsettled() const { return unsettled_; }

  enum class InputState {
    kNew,     // not settled
    kFailed,  // the last that was said of it
    kDone,    // uploaded or sent as it is now, or skipped
    kStale    // settled, and has changed since
  };
  InputState StateOf(const InputFile& file) const;
  // How an input of kDone ended; nothing for others.
  struct Earlier {
    Outcome outcome;
    std::uint64_t size_bytes;
  };
  std::optional<Earlier> FindSettled(const InputFile& file) const;

  // Thread-safe. Hands the open upload of this input over: to whoever goes on with it or aborts it.
  std::optional<OpenUpload> TakeUpload(const InputFile& file);
  // The part size of the open upload of this input, when its size is still the same.
  std::optional<std::uint64_t> PartBytes(const InputFile& file) const;
  // All that nobody has taken.
  std::vector<OpenUpload> TakeUploads();
  std::vector<Creation> creations() const;
  // The parts of an upload that is not this journal's but its plan's; null when there is none.
  const PartRecords* PartsOfPlan(const std::string& token) const;

 private:
  struct Settled {
    Identity identity;
    std::uint64_t size_bytes;
    std::int64_t mtime_ns;
    Outcome outcome;
    s3::ErrorKind kind;     // of a failed one
    bool in_scope = true;   // see Load
    bool may_write = true;  // the object of its key may be what this input made of it
  };

  static Identity IdentityOf(const InputFile& file);
  const Settled* Find(const InputFile& file) const;
  InputState StateOf(const InputFile& file, const Settled* input) const;
  static s3::Result<History> Load(const OwnDir& directory, const std::string& name, Depth depth,
                                  const RunScope* scope);
  bool Read(std::string_view line, Depth depth);
  bool Tally(std::string_view line);
  void ReadResult(const nlohmann::json& line);
  bool ReadPlainResult(std::string_view line);
  void Settle(Settled input);
  bool ReadUploadRecord(const std::string& record, const nlohmann::json& line);
  void IndexSettled();

  const RunScope* scope_ = nullptr;  // while it is loaded
  bool in_scope_ = true;             // of the session that is read
  std::optional<RunRecord> run_;
  std::optional<EndRecord> end_;
  std::uint64_t intact_bytes_ = 0, torn_bytes_ = 0;
  std::vector<Settled> settled_inputs_;  // by identity
  Summary settled_, unsettled_;
  std::map<std::string, std::uint64_t> session_results_;
  bool has_uploads_ = false;  // when it was loaded: most have none, and need no lock to say so
  mutable std::mutex mutex_;
  std::map<std::string, OpenUpload> uploads_;  // by token
  std::map<Identity, std::string> tokens_;
  std::map<std::string, Creation> creations_;         // by token
  std::map<std::string, PartRecords> parts_of_plan_;  // by token
};

}  // namespace pipeline
