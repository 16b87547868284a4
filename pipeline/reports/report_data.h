// The facts of a report: totals, groups and the first of each list, taken from the merged results. Values;
// pure functions, except CollectData(). Memory is bounded, whatever the number of results.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/journal/input_id.h"
#include "pipeline/report/summary.h"
#include "pipeline/reports/merged_results.h"
#include "pipeline/reports/run_records.h"

namespace pipeline {

// How long uploads took. Bucket limits are 9 % apart, so a percentile is at most 9 % too high.
class DurationHistogram {
 public:
  void Add(double seconds);
  std::uint64_t count() const { return count_; }
  double max() const { return max_; }
  // Returns a quantile of the durations, in seconds: a share of `share` (0 to 1) of the uploads took at most
  // this long. Returns 0 if there are no uploads.
  double Percentile(double share) const;

 private:
  std::array<std::uint64_t, 512> buckets_{};
  std::uint64_t count_ = 0;
  double max_ = 0;
};

// The uploaded inputs whose size is less than `below_bytes` and not in the class before.
struct SizeClass {
  std::uint64_t below_bytes = 0;
  const char* name = "";
  std::uint64_t count = 0, bytes = 0;
  DurationHistogram seconds;
};

struct CauseDetails {
  std::uint64_t count = 0;
  std::vector<std::string> first_paths;  // at most kMaxPaths
  std::string message;                   // of the first input
  static constexpr std::size_t kMaxPaths = 5;
};

struct SlowObject {
  double seconds = 0;
  std::string path;
  std::uint64_t size_bytes = 0;
  int attempts = 0;
};

// The slowest uploads, the slowest one first. Keeps at most kMax.
class SlowestObjects {
 public:
  static constexpr std::size_t kMax = 20;
  void Add(double seconds, std::string_view path, std::uint64_t size_bytes, int attempts);
  std::vector<SlowObject> Sorted() const;

 private:
  std::vector<SlowObject> heap_;  // the fastest one at the front
};

struct ReportData {
  ReportScope scope;
  // Counts of all results that count. Its other fields are about all sessions that summary.json describes.
  // `found` has only the inputs with a result.
  Summary summary;
  std::array<SizeClass, 9> sizes;
  // By cause; at most kMaxCauses, and the rest as kOtherCauses.
  std::map<std::string, CauseDetails> failures, skips;
  // How many uploaded or failed inputs took 1, 2, 3, 4, and more attempts. 0: without a request.
  std::array<std::uint64_t, 6> attempts{};
  SlowestObjects slowest;
  // The objects of which only ranges were sent. Keeps about 64 bytes for each, but few objects are split.
  std::set<InputId> sent_objects;

  bool IsRunning() const;
  // True if every run is complete, no shard of a plan is missing, and no object needs `finish`.
  bool IsComplete() const;
  // "finished", "running", "killed", "stopped", "not run", "failed" or "sent" (`finish` must complete
  // objects). If runs differ, the state that needs most attention.
  std::string_view StateText() const;
};

ReportData EmptyData(ReportScope scope);
void AddResult(const ResultRecord& result, const ResultDetails& details, ReportData* data);
// Reads all results. Fails as MergedResults does. Blocks.
s3::Result<ReportData> CollectData(ReportScope scope);

// The error of a result that failed or was cancelled.
s3::Error ErrorOf(const ResultDetails& details);

}  // namespace pipeline
