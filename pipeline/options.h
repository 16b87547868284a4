// What steers a run. Plain values; defaults stand in the fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "s3/plan.h"
#include "s3/properties.h"

namespace pipeline {

struct SourceRoot {
  // A directory, walked recursively, or a single file. A symbolic link here is followed.
  std::string path;
  // Between the destination's prefix and the path below the root; no slash is added.
  std::string prefix;
  // Globs over the path below the root (see s3/glob.h). Without `include` every file counts;
  // `exclude` wins, and keeps the walk out of the directories it covers.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  // Off: symbolic links are recorded as skipped. On: followed, loops detected.
  bool follow_symlinks = false;
  // Off: a run that finds no input at all ends with exit status 66.
  bool allow_empty = false;
  // `path` is standard input ("-"), a FIFO or another stream: read to its end as one object.
  bool stream = false;
  // The name of that object below the prefix; empty means the last part of `path`.
  std::string key;
  // What the stream must have: one that ends earlier or goes on makes no object.
  std::optional<std::uint64_t> size_bytes;
};

struct UploadOptions {
  // Requests in flight. More hides latency; each costs a small stack, a connection and a buffer.
  int concurrency = 64;
  // Worker threads for reading, hashing and signing; 0 means one for each core.
  int threads = 0;
  // max_body_bytes follows from memory_bytes, whatever it says here.
  s3::PlanOptions plan;
  s3::StoreLimits store_limits;
  // All bodies of requests together. More lets more parts be in flight; see pipeline/DESIGN.md for
  // what a run needs beside it.
  std::uint64_t memory_bytes = 512ull << 20;
  // A file that changes while it is read is begun again so many times, then it failed.
  int changed_file_retries = 2;
};

// Properties for the files that `match` (a glob over the path below the root, see s3/glob.h).
struct ObjectRule {
  std::string match;
  s3::ObjectProperties properties;
};

struct ObjectOptions {
  // Of every object; rules lay theirs on top in their order, so that the last one that matches and
  // names a property decides it.
  s3::ObjectProperties properties;
  std::vector<ObjectRule> rules;
  // The file's owner, group, mode and mtime as metadata.
  bool posix = false;
  // Extensions to content types, for objects without a content type of their own. A missing file is
  // an error unless it is this default; then every object is application/octet-stream.
  std::string mime_types = kSystemMimeTypes;
  static constexpr const char* kSystemMimeTypes = "/etc/mime.types";
};

enum class ProgressStyle {
  kAuto,  // a bar on a terminal, lines elsewhere
  kBar,
  kLines,
  kNone,
};

enum class LogLevel {
  kFailures,  // the first failures, then how many more there were
  kObjects,   // every start, retry and result
};

struct ReportOptions {
  // Where the journal and the summary go; empty means s3flow-runs/<UTC time>-<pid>.
  std::string run_dir;
  ProgressStyle progress = ProgressStyle::kAuto;
  LogLevel log = LogLevel::kFailures;
  // A file that every request and answer is written to, without bodies and secrets; empty for none.
  std::string trace_http;
};

struct Options {
  std::vector<SourceRoot> source;
  UploadOptions upload;
  ObjectOptions object;
  ReportOptions report;
};

}  // namespace pipeline
