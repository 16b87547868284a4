// The commands of s3flow: one function each, from parsed arguments to an exit status or an error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/cli/documents/command_line.h"
#include "pipeline/cli/exit_error.h"

namespace cli {

// The options that choose what a run shows. An empty text leaves the value of the job file unchanged.
struct ReportArguments {
  std::string progress;  // a value of report.progress
  bool no_color = false;
  bool quiet = false;
  bool verbose = false;
  std::string log_level;  // a value of report.log
  std::string log_file;
  std::string log_format;  // a value of report.log_format
};

// Arguments that several commands have. Each command uses some of them.
struct JobArguments {
  std::string job_file;
  std::optional<std::string> job_text;  // the file's content; nothing: read `job_file`
  std::vector<std::string> overrides;   // the texts of --set
  std::string run_dir;                  // empty: the job's, or a new one
  ReportArguments report;
  bool resume = false;
  bool dry_run = false;
  bool allow_changed_job = false;
  bool trust_dir = false;  // see pipeline/fs/own_dir.h
  std::string plan_dir;    // empty: no plan
  std::string shard;       // see pipeline::ParseShard; empty: the whole job
  std::string trace_http;  // empty: the job's, or none
  bool probe = false;      // send requests to the store, too
};

// How the embedded endpoint behaves. The texts are unchecked; ApplyEndpointArguments checks them.
struct EndpointArguments {
  std::string latency;
  double jitter = 0;
  int requests_per_second = 0;
  std::string bandwidth;
  std::string faults_file;
  std::string ignore_conditions;  // "all", "complete", or empty for none
  std::vector<std::string> refused_headers;
};

struct CleanArguments {
  std::string run_dir;     // with `older_than`: the directory that contains run directories
  std::string older_than;  // an age, such as 30d; empty: abort uploads
  bool failed_too = false;
  std::string job_file;  // empty: the one that the run was started with
  bool dry_run = false;
  bool trust_dir = false;
};

struct PlanArguments {
  int shards = 0;
  std::string directory;
  // Assumed rates of all shards together, to estimate how long the upload takes; empty or 0 for none.
  std::string bandwidth;
  int requests_per_second = 0;
};

struct FinishArguments {
  std::string directory;
  bool check_source = false;
  bool trust_dir = false;
  std::string trace_http;
};

struct StatusArguments {
  std::string directory;  // of a run, a plan, or the shards of a job
  bool watch = false;
  bool json = false;
  bool trust_dir = false;
};

struct ReportCommandArguments {
  std::vector<std::string> directories;  // of runs, plans, or the shards of a job
  std::string format = "text";
  bool null_separated = false;  // -0
  std::string output;           // empty: stdout
  bool force = false;           // `output` may be replaced
  bool trust_dir = false;
};

struct ServeArguments {
  std::string directory;
  int port = 0;
  std::vector<std::string> buckets;
  std::string domain;  // of virtual-hosted requests; empty: paths only
  bool discard = false;
  std::string profile;  // of the store to emulate; empty for none
  bool log_requests = false;
  EndpointArguments endpoint;
};

struct InitArguments {
  std::string directory;  // what to upload; empty: the working directory
  std::string url;        // s3://BUCKET/PREFIX. If only one argument is given, `directory` contains it.
  std::string endpoint;   // empty: AWS
  std::string profile;    // of AWS's files; empty: none
  std::string region;     // empty: what the store says, if it was asked
  std::string output = "job.yaml";  // "-": stdout
  bool force = false;               // `output` may be replaced
  bool no_probe = false;
};

struct HelpArguments {
  std::string topic;  // a command, a topic, a section or a key of the job file; empty: all topics
};

struct SchemaArguments {
  bool faults = false;  // of a faults file, not of a job file
};

struct ManualArguments {
  std::string directory;
  std::string date;  // of the release, YYYY-MM-DD
};

CommandResult Check(const JobArguments& arguments);
CommandResult Run(const JobArguments& arguments);
CommandResult Rehearse(const JobArguments& arguments, const EndpointArguments& endpoint);
CommandResult Clean(const CleanArguments& arguments);
CommandResult Plan(const JobArguments& arguments, const PlanArguments& plan);
CommandResult Finish(const FinishArguments& arguments);
CommandResult Status(const StatusArguments& arguments);
CommandResult Report(const ReportCommandArguments& arguments);
CommandResult Serve(const ServeArguments& arguments);
CommandResult Schema(const SchemaArguments& arguments);
CommandResult Init(const InitArguments& arguments);
// Prints the completion of `shell`: "bash", "zsh" or "fish".
CommandResult Completion(const CommandLine& line, const std::string& shell);
// Writes all manual pages to folders man1 and man5 of a directory.
CommandResult Manual(const CommandLine& line, const ManualArguments& arguments);

}  // namespace cli
