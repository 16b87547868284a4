// What steers a run. Plain values; defaults stand in the fields.
#pragma once

#include <string>
#include <vector>

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
};

struct UploadOptions {
  // Requests in flight. More hides latency; each costs a small stack, a connection and a buffer.
  int concurrency = 64;
  // Worker threads for reading, hashing and signing; 0 means one for each core.
  int threads = 0;
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
};

struct Options {
  std::vector<SourceRoot> source;
  UploadOptions upload;
  ReportOptions report;
};

}  // namespace pipeline
