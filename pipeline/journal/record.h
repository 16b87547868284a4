// The lines of journal.jsonl, see pipeline/journal/checksummed_line.h for their form. Pure functions, any
// thread.
//
//   run         a session begins: the job's settings, and which session of this run it is
//   creating    CreateMultipartUpload is about to be sent; `token` names the upload from here on
//   upload      it was created; on the disk before its first part is sent
//   part        one part is in the store; of an upload of this journal, or of one that the plan created
//   completing  CompleteMultipartUpload is about to be sent
//   gone        the upload exists no more: completed or aborted
//   result      how an input ended; the last of an input counts
//   end         the session ended; `complete` says whether the whole run did
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/journal/run_scope.h"
#include "pipeline/message.h"

namespace pipeline {

inline constexpr char kJournalName[] = "journal.jsonl";  // in a run directory or a plan's

struct RunRecord {
  int session = 1;
  RunScope scope;                      // of the results and uploads that follow
  std::string settings;                // the lines of `check` that say what goes where
  std::string job_file;                // absolute
  std::vector<std::string> overrides;  // --set
  std::string shard;                   // which part of the job, see pipeline/shard.h; empty: all of it
  std::map<std::string, std::string> scheduler;  // what it says of the process: job, node, restarts
};

// A multipart upload as the journal knows it.
struct UploadRecord {
  std::string token;  // ours, in the object's metadata: unique
  std::string path, key;
  std::string upload_id;
  std::uint64_t size_bytes = 0;
  std::uint64_t part_bytes = 0;  // 0: a stream
  std::int64_t mtime_ns = 0;     // of the file, since 1970
  // One CreateMultipartUpload was sent: there is no second upload that nobody knows.
  bool created_once = true;
};

struct PartRecord {
  std::string token;
  int number = 0;
  std::uint64_t bytes = 0;
  std::string etag;
  std::string digest;    // see PartDigest
  std::string checksum;  // base64, of integrity.checksum; empty for none
};

struct EndRecord {
  int status = 0;
  bool complete = false;  // nothing is left: not stopped early
};

std::string RunLine(const RunRecord& record);
// `time_s`: now, since 1970.
std::string CreatingLine(std::string_view token, const InputFile& file, std::int64_t time_s);
std::string UploadLine(const UploadRecord& record);
std::string PartLine(const PartRecord& record);
std::string CompletingLine(std::string_view token);
std::string GoneLine(std::string_view token);
std::string ResultLine(const ObjectResult& result);
std::string EndLine(const EndRecord& record);

}  // namespace pipeline
