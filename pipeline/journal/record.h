// The records of journal.jsonl, one line each; see checksummed_line.h for the form of a line. Values; pure
// functions, any thread. JournalReader reads them.
//
//   run         a session begins; has the job's settings, and the number of the session in this run
//   creating    CreateMultipartUpload is about to be sent; `token` names the upload from here on
//   upload      the upload was created; on the disk before its first part is sent
//   part        one part is in the store; its `upload` record is in this journal, or in the plan's
//   completing  CompleteMultipartUpload is about to be sent
//   gone        the upload does not exist: it was completed or aborted, or its creation was refused
//   result      how an input ended; the last result of an input counts
//   end         the session ended; `complete` says whether the whole run is complete
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/journal/run_scope.h"
#include "pipeline/message.h"
#include "pipeline/options.h"

namespace pipeline {

struct RunRecord {
  int session = 1;
  RunScope scope;        // of the results and uploads of this session
  std::string settings;  // sections source, destination, object and integrity, as `check` prints them
  std::string job_file;  // absolute path; "-": a stream, such as standard input
  std::vector<std::string> overrides;  // --set
  std::string shard;                   // the part of the job, see pipeline/shard.h; empty: the whole job
  std::map<std::string, std::string> scheduler;  // facts about the process: job, node, restarts
  std::string directory = {};  // working directory, the base of relative paths; empty: not known
};

struct CreatingRecord {
  std::string token;
  std::string key;
  std::int64_t time_s = 0;  // when the request was sent, in s since 1970, by this machine's clock
};

struct UploadRecord {
  std::string token;  // unique, made by s3flow; also in the object's metadata
  std::string path, key;
  std::string upload_id;
  std::uint64_t size_bytes = 0;
  std::uint64_t part_bytes = 0;  // 0: a stream
  std::int64_t mtime_ns = 0;     // mtime of the file, in ns since 1970
  // True if CreateMultipartUpload was sent exactly once. Then no second upload with an unknown ID can exist.
  bool created_once = true;
};

struct PartRecord {
  std::string token;
  int number = 0;
  std::uint64_t bytes = 0;
  std::string etag;
  std::string digest;    // see PartDigest
  std::string checksum;  // base64, by integrity.checksum; may be empty
};

struct CompletingRecord {
  std::string token;
};

struct GoneRecord {
  std::string token;
};

// The fields of a result that a later session needs.
struct ResultRecord {
  Outcome outcome = Outcome::kCancelled;
  std::string_view path, key;  // valid until JournalReader::Next() is called again
  int first_part = 0;          // number of the first part, for a range of parts; 0 for a whole file
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  s3::ErrorKind kind = s3::ErrorKind::kPermanent;  // the error's kind, for a failed input
  int attempts = 1;
  bool hides_inputs = false;  // see ObjectResult
};

// A result line from which only the outcome was read.
struct ResultOutcome {
  std::string_view name;  // valid until JournalReader::Next() is called again
};

struct EndRecord {
  int status = 0;
  bool complete = false;  // true: the run has no work left
};

using JournalRecord = std::variant<RunRecord, CreatingRecord, UploadRecord, PartRecord, CompletingRecord,
                                   GoneRecord, ResultRecord, ResultOutcome, EndRecord>;

std::string RunLine(const RunRecord& record);
// `time_s`: the present time, in seconds since 1970.
std::string CreatingLine(std::string_view token, const InputFile& file, std::int64_t time_s);
std::string UploadLine(const UploadRecord& record);
std::string PartLine(const PartRecord& record);
std::string CompletingLine(std::string_view token);
std::string GoneLine(std::string_view token);
// kCompact leaves out what neither a later session nor a list of results needs, unless the input failed or
// was cancelled: the request ID, the checksum, the number of attempts if it is 1, and all but three digits of
// the duration.
std::string ResultLine(const ObjectResult& result, JournalDetail detail = JournalDetail::kFull);
std::string EndLine(const EndRecord& record);

}  // namespace pipeline
