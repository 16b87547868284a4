// Reads what a run's last session wrote about itself: summary.json and series.jsonl. Another program may have
// changed these files, so each value of another type or out of range counts as missing. Values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/fs/own_dir.h"

namespace pipeline {

// The latencies of one operation and size class, in ms.
struct LatencyRow {
  std::string operation, size_class;
  std::uint64_t count = 0;
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, p999_ms = 0, max_ms = 0;
};

// A field is empty or 0 if summary.json does not have it.
struct SessionFacts {
  int session = 0;
  std::int64_t started_s = 0, ended_s = 0;  // since 1970
  double seconds = 0;
  std::string host, job_file, endpoint, bucket, prefix, transport, version;
  std::uint64_t peak_memory_bytes = 0, retries = 0, reused_parts = 0, credential_renewals = 0, stragglers = 0;
  // How many of the counts earlier sessions had done.
  std::uint64_t found_before = 0, skipped_before = 0, sent_before = 0;
  // The uploads of this session alone. The bytes include ranges of parts.
  std::uint64_t uploaded_now = 0, uploaded_bytes_now = 0;
  std::uint64_t uploads_left = 0;
  int max_slots = 0;                           // the highest limit of requests in flight
  std::map<std::string, double> slot_seconds;  // how long slots were in each state
  std::string limit, verdict;                  // what limited the session: a name, and a sentence
  std::vector<LatencyRow> latencies;
};

// One line of series.jsonl. The counts are those since the session began.
struct SessionPoint {
  double t_s = 0;  // since the session began
  double done = 0, done_bytes = 0, failed = 0, retries = 0;
  double in_flight = 0;                        // at this moment
  std::map<std::string, double> slot_seconds;  // since the point before
};

SessionFacts ParseSessionFacts(std::string_view json);
// Parses the lines up to the first one that is no point, or whose time is before that of the line before.
// Lines of the same time become one point.
std::vector<SessionPoint> ParseSeries(std::string_view lines);

// Return empty values if the file is missing, too large or not trusted.
SessionFacts ReadSessionFacts(const OwnDir& directory);
std::vector<SessionPoint> ReadSeries(const OwnDir& directory);

}  // namespace pipeline
