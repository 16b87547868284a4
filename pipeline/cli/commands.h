// The commands of s3flow: one function each, from parsed arguments to an exit status.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/report/summary.h"

namespace cli {

struct JobArguments {
  std::string job_file;
  std::optional<std::string> job_text;  // of the job file, where it has been read
  std::vector<std::string> overrides;   // texts of --set
  std::string run_dir;                  // empty: the job's, or a new one
  bool verbose = false;
  bool resume = false;
  bool dry_run = false;
  bool allow_changed_job = false;
  bool trust_dir = false;  // see pipeline/fs/own_dir.h
  std::string plan_dir;    // empty: no plan
  std::string shard;       // see pipeline::ParseShard; empty: all of the job
  std::string trace_http;  // empty: the job's, or none
  bool probe = false;      // ask the store, too
};

// How the embedded endpoint is to behave, as text: checked where it is used.
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
  std::string run_dir;
  std::string job_file;  // empty: the one that the run was begun with
  bool dry_run = false;
  bool trust_dir = false;
};

struct PlanArguments {
  int shards = 0;
  std::string directory;
  std::string bandwidth;        // that is assumed, of all shards together; empty for none
  int requests_per_second = 0;  // likewise
};

struct FinishArguments {
  std::string directory;
  bool check_source = false;
  bool trust_dir = false;
  std::string trace_http;
};

struct ServeArguments {
  std::string directory;
  int port = 0;
  std::vector<std::string> buckets;
  bool discard = false;
  std::string profile;  // of the store to imitate; empty for none
  EndpointArguments endpoint;
};

pipeline::ExitStatus Check(const JobArguments& arguments);
pipeline::ExitStatus Run(const JobArguments& arguments);
pipeline::ExitStatus Rehearse(const JobArguments& arguments, const EndpointArguments& endpoint);
pipeline::ExitStatus Clean(const CleanArguments& arguments);
pipeline::ExitStatus Plan(const JobArguments& arguments, const PlanArguments& plan);
pipeline::ExitStatus Finish(const FinishArguments& arguments);
pipeline::ExitStatus Serve(const ServeArguments& arguments);

}  // namespace cli
