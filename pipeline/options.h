// What steers a run. Plain values; defaults stand in the fields.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/reading.h"
#include "pipeline/shard.h"
#include "s3/api/properties.h"
#include "s3/part_plan.h"

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
  // So many directories are read, and files looked at, at once, while the uploads would else wait for it: on
  // a network file system each costs a round trip. A thread each, begun when it is wanted.
  int threads = 8;
  Reading reading;
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
  // Requests in flight. More hides latency; each costs a small stack, a connection and a buffer. kAuto: as
  // many as the store answers faster for, see pipeline/graph/concurrency_controller.h.
  static constexpr int kAuto = 0;
  int concurrency = kAuto;
  // The most worker threads for reading, hashing and signing; 0 means one for each core that the
  // process may use, see pipeline/runtime/resource_limits.h. A run uses as many of them as have work, see
  // pipeline/graph/worker_scaler.h.
  int threads = 0;
  // Threads that send and encrypt; 0 means as s3::EventLoopCount says.
  int event_loops = 0;
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

// Of 1,000 requests, and of a GiB for a month, in whatever currency the job's prices are.
struct RequestPrices {
  double put_per_1000 = 0;  // PUT, POST, LIST
  double get_per_1000 = 0;  // GET, HEAD
  double gib_month = 0;
  bool given() const { return put_per_1000 > 0 || get_per_1000 > 0 || gib_month > 0; }
};

// Where run directories go that have no name of their own.
inline constexpr const char* kDefaultRunDirs = "s3flow-runs";

struct ReportOptions {
  // Where the journal and the summary go; empty means s3flow-runs/<UTC time>-<pid>.
  std::string run_dir;
  ProgressStyle progress = ProgressStyle::kAuto;
  LogLevel log = LogLevel::kFailures;
  // A file that every request and answer is written to, without bodies and secrets; empty for none.
  std::string trace_http;
  RequestPrices prices;
};

// What is there need not be uploaded again: what says that it is?
enum class SkipMode {
  kNever,        // nothing: all is uploaded
  kJournal,      // the journal of the run directory: the file has the size and mtime it was uploaded with
  kSizeMtime,    // the store: the object has the size, and is not older than the file
  kChecksum,     // the store: the object has the size, and its ETag or checksum is the file's
  kIfNoneMatch,  // the store, when it is asked to write: any object of that key
};

// Whose records are believed, see pipeline/fs/own_dir.h.
enum class Trust {
  kOurs,    // this user's and root's, where nobody else may write
  kOthers,  // --trust-dir: those of the directory's owner, too, wherever others may write
};

struct ResumeOptions {
  // A run directory that holds an unfinished run of the same job is always gone on with, whatever this says.
  SkipMode skip = SkipMode::kNever;
  bool go_on = false;              // --resume: with a finished run, too
  bool allow_changed_job = false;  // go on although the job is another
  Trust trust = Trust::kOurs;      // of the directory of the run, or the plan
};

// When a run stops because of its failures.
struct FailureLimit {
  std::uint64_t count = UINT64_MAX;  // so many failed inputs
  double share = 1;  // more than this share of the settled ones, once kMinSettled have settled
  static constexpr std::uint64_t kMinSettled = 100;
};

struct LimitOptions {
  // Of all requests together; 0 for none. Both may change while a run goes on (SIGHUP).
  std::uint64_t bandwidth_bytes = 0;  // of bodies, a second
  int requests_per_second = 0;
  // How long the store may be away before the run stops. Until then no request's attempts are spent.
  std::chrono::milliseconds outage{900'000};
  // A run that takes longer drains; 0 for no limit. Under Slurm the end of the job minus `margin` is one,
  // too.
  std::chrono::milliseconds time{0};
  std::chrono::milliseconds margin{60'000};
  // How long what is in flight may take when a run is stopped. Slurm's KillWait is 30 s by default.
  std::chrono::milliseconds drain{20'000};
  FailureLimit failures;
};

// One of several runs that upload a job together.
struct ShardOptions {
  Shard shard;
  std::string
      plan_dir;  // see pipeline/plan/job_plan.h; empty: each walks all, and takes the keys that are its own
  std::string plan_id;       // of that plan,
  std::uint64_t inputs = 0;  // in which the shard has so many
};

// What a run directory belongs to: the directory of one kind is never used for another.
enum class RunKind {
  kRun,
  kPlan,       // the journal of `s3flow plan`; its shards' directories are of kRun
  kRehearsal,  // what it uploaded is gone with the embedded endpoint
};

// What makes a later session one of the same run.
struct RunIdentity {
  RunKind kind = RunKind::kRun;
  std::string settings;  // source, destination, object and integrity of the job, as `check` prints them
  std::string job_file;  // for `clean`
  std::vector<std::string> overrides;
  std::string shard;                             // see RunRecord
  std::map<std::string, std::string> scheduler;  // of this session
};

struct Options {
  std::vector<SourceRoot> source;
  UploadOptions upload;
  ObjectOptions object;
  ReportOptions report;
  ResumeOptions resume;
  LimitOptions limits;
  RunIdentity identity;
  std::optional<ShardOptions> shard;
};

}  // namespace pipeline
