// The settings of a run. Plain values. Each field is initialized with its default.
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

// A limit for the mtime of files.
struct MtimeLimit {
  std::string text;  // as the job file writes it; empty: there is no limit
  // Since 1970, or, if is_age, before the start of the run. AgesBefore() turns ages into times.
  std::int64_t seconds = 0;
  bool is_age = false;
};

struct SourceRoot {
  // A directory, which is walked recursively, or a single file. If `path` itself is a symbolic link, the link
  // is followed.
  std::string path;
  // Inserted into each key between the destination's prefix and the path below the root. No slash is added.
  std::string prefix;
  // Globs over the path below the root (see s3/glob.h). If `include` is empty, every file is taken. `exclude`
  // wins over `include`. The walk does not enter a directory if `exclude` matches the directory or everything
  // below it.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  // Files with more globs, one a line; ReadGlobs() adds them to `include` and `exclude`.
  std::vector<std::string> include_from;
  std::vector<std::string> exclude_from;
  // Only regular files in these limits are inputs. newer_than: the mtime or later; older_than: before the
  // mtime.
  std::optional<std::uint64_t> min_size_bytes, max_size_bytes;
  MtimeLimit newer_than, older_than;
  // True: leaves out a directory with a file CACHEDIR.TAG that has the signature of
  // https://bford.info/cachedir/
  bool exclude_caches = false;
  // A list of names below `path`, which must be a directory. Only these files are inputs; `path` is not
  // walked.
  // "-" is standard input. At most one is not empty. The names of `files_from` are lines; each name of
  // `files_from0` ends with a NUL.
  std::string files_from;
  std::string files_from0;
  // False: symbolic links are recorded as skipped. True: symbolic links are followed, and loops are detected.
  bool follow_symlinks = false;
  // The maximum number of threads that read directories and stat files. Several threads help on a network
  // file system, where each stat costs a round trip. The walk uses more than one thread only while uploads
  // wait for inputs.
  int threads = 8;
  Reading reading;
  // False: a run without any input ends with exit status 66.
  bool allow_empty = false;
  // True: `path` is standard input ("-"), a FIFO or another stream. It is read to its end as one object.
  bool stream = false;
  // The key of a stream's object, below the prefix. Empty: the last part of `path`.
  std::string key;
  // The exact length of a stream. If the stream is shorter or longer, no object is created.
  std::optional<std::uint64_t> size_bytes;
};

struct UploadOptions {
  // The maximum number of requests in flight. A higher number hides latency, but each request costs a small
  // stack, a connection and a buffer. With kAuto the run finds the number itself; see
  // pipeline/graph/concurrency_controller.h.
  static constexpr int kAuto = 0;
  int concurrency = kAuto;
  // The maximum number of worker threads, which read, hash and sign. 0: one for each core that the process
  // may use; see pipeline/runtime/resource_limits.h. While the load is low, a run uses fewer workers; see
  // pipeline/graph/workers/worker_scaler.h.
  int threads = 0;
  // The number of threads that send and encrypt. 0: s3::EventLoopCount().
  int event_loops = 0;
  // plan.max_body_bytes is ignored, because it is computed from memory_bytes.
  s3::PlanOptions plan;
  s3::StoreLimits store_limits;
  // The memory for the bodies of all requests together. A higher limit allows more parts in flight.
  // pipeline/DESIGN.md, "Memory", says how much memory a run needs in addition.
  std::uint64_t memory_bytes = 512ull << 20;
  // How many times the upload of a file is restarted because the file changed while it was read. After that
  // the input fails.
  int changed_file_retries = 2;

  static constexpr int kMaxConcurrency = 4096, kMaxThreads = 256, kMaxEventLoops = 64;
  static constexpr std::uint64_t kMinMemory = 8 << 20;
};

// Properties for the files whose path below the root matches `match` (a glob, see s3/glob.h).
struct ObjectRule {
  std::string match;
  s3::ObjectProperties properties;
};

struct ObjectOptions {
  // The properties of every object. `rules` override single properties: the last matching rule that sets a
  // property wins.
  s3::ObjectProperties properties;
  std::vector<ObjectRule> rules;
  // True: the file's owner, group, mode and mtime become metadata.
  bool posix = false;
  // A file that maps file name extensions to content types. It is used for objects whose properties set no
  // content type. A missing file is an error, except for the default file: without it, these objects are
  // application/octet-stream.
  std::string mime_types = kSystemMimeTypes;
  static constexpr const char* kSystemMimeTypes = "/etc/mime.types";
};

enum class ProgressStyle {
  kAuto,   // a progress area on a terminal, lines elsewhere
  kBar,    // an area of a few lines that is redrawn in place
  kLines,  // one line for each ReportOptions::progress_interval
  kJson,   // one JSON object for each ReportOptions::progress_interval
  kNone,
};

enum class LogLevel {
  kQuiet,     // shows no event; messages that end a run are shown nevertheless
  kFailures,  // shows the first failures, and the number of other failures
  kObjects,   // shows every start, retry and result
};

enum class LogFormat {
  kText,
  kJson,  // one JSON object for each line
};

// Prices in the currency of the job file: for 1,000 requests, and for one GiB that is stored for one month.
struct RequestPrices {
  double put_per_1000 = 0;  // PUT, POST, LIST
  double get_per_1000 = 0;  // GET, HEAD
  double gib_month = 0;
  bool given() const { return put_per_1000 > 0 || get_per_1000 > 0 || gib_month > 0; }
};

// The parent of the run directory, if the job does not name a run directory.
inline constexpr const char* kDefaultRunDirs = "s3flow-runs";

// How much the journal keeps of a run.
enum class JournalDetail {
  kFull,
  // Results without an error have fewer fields, and the journal of a complete run is compressed.
  kCompact,
};

struct ReportOptions {
  // The directory of the journal and the summary. Empty: s3flow-runs/<UTC time>-<pid>.
  std::string run_dir;
  ProgressStyle progress = ProgressStyle::kAuto;
  // The time between two lines of progress.
  std::chrono::milliseconds progress_interval{30'000};
  LogLevel log = LogLevel::kFailures;
  // The file to which events are appended, with time stamps, in addition to stderr. Empty: no file.
  std::string log_file;
  // The format of the log file; without a log file, of the events on stderr.
  LogFormat log_format = LogFormat::kText;
  bool color = true;  // false: no colors, even on a terminal that has colors
  // The file to which every request and response is logged, without bodies and secrets. Empty: no log.
  std::string trace_http;
  JournalDetail journal = JournalDetail::kFull;
  RequestPrices prices;
  // A program and its arguments, run at the end of a run; see pipeline/run/end_hook.h. Empty: none.
  std::vector<std::string> on_end;
  std::chrono::milliseconds on_end_timeout{60'000};
};

// How to find out that the store already has a file, so that its upload is skipped.
enum class SkipMode {
  kNever,    // every file is uploaded
  kJournal,  // the journal has an upload of the file with its present size and mtime
  // The object has the file's size, and its metadata has the file's mtime. If the metadata has no mtime or is
  // not read, the object must have been stored in a later second than the file's mtime.
  kSizeMtime,
  kChecksum,     // the object has the same size as the file, and the same ETag or checksum
  kIfNoneMatch,  // any object has the key, so the store refuses a conditional write (If-None-Match: *)
};

// Which files in the directory of a run or plan may be used, by their owner; see pipeline/fs/own_dir.h.
enum class Trust {
  kOurs,    // files that this user or root owns, and that nobody else may write to
  kOthers,  // --trust-dir: also files of the directory's owner; it does not matter who may write to a file
};

struct ResumeOptions {
  // An unfinished run of the same job is always resumed; these options do not change that.
  SkipMode skip = SkipMode::kNever;
  bool finished_too = false;       // --resume: resume a finished run, too
  bool allow_changed_job = false;  // resume even if the job has changed
  Trust trust = Trust::kOurs;      // which files to trust in the directory of the run or plan
};

// How many inputs may fail before the run stops (limits.on_failure).
struct FailureLimit {
  std::uint64_t count = UINT64_MAX;  // stop at this number of failed inputs
  // Stop when more than this share of the inputs with a result has failed. Checked only after kMinDone
  // inputs have a result.
  double share = 1;
  static constexpr std::uint64_t kMinDone = 100;
};

struct LimitOptions {
  // Limits for all requests together; 0: no limit. SIGHUP may change both limits during a run.
  std::uint64_t bandwidth_bytes = 0;  // of request bodies, per second
  int requests_per_second = 0;
  // How long the store may be unreachable or full before the run stops. Until then, failed requests use up no
  // attempts.
  std::chrono::milliseconds outage{900'000};
  // A run that takes longer than `time` is drained; 0: no limit. In a Slurm job, the run is also drained
  // `margin` before the job ends.
  std::chrono::milliseconds time{0};
  std::chrono::milliseconds margin{60'000};
  // How long requests in flight may take to finish when a run is stopped. It must be shorter than Slurm's
  // KillWait, which is 30 s by default.
  std::chrono::milliseconds drain{20'000};
  FailureLimit failures;

  static constexpr int kMaxRequestsPerSecond = 1'000'000;
};

// Options of one run, when several runs upload a job together.
struct ShardOptions {
  Shard shard;
  // The plan's directory, see pipeline/plan/job_plan.h. Empty: there is no plan, so each shard walks the
  // whole source and uploads only its own keys (Shard::Has).
  std::string plan_dir;
  std::string plan_id;
  std::uint64_t inputs = 0, bytes = 0;  // how much the plan gives to this shard
};

// The purpose of a run directory. A directory of one kind is never used for another kind.
enum class RunKind {
  kRun,
  kPlan,       // the directory of `s3flow plan`; the directories of its shards are kRun
  kRehearsal,  // uploads to the embedded endpoint; the objects are lost when the rehearsal ends
};

// Identifies a run. A later session can resume the run only with the same `kind` and `shard`. It also needs
// the same `settings`, unless allow_changed_job is set; see ResumeProblem(). The other fields are only
// recorded.
struct RunIdentity {
  RunKind kind = RunKind::kRun;
  std::string settings;  // sections source, destination, object and integrity, as `check` prints them
  // Absolute path; `s3flow clean` reads this file again. "-" if the job was read from a stream.
  std::string job_file;
  std::vector<std::string> overrides;
  std::string shard;                             // see RunRecord
  std::map<std::string, std::string> scheduler;  // facts about this session, see SchedulerFacts()
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
