// The results of several journals as one list: one result for each input, the last one. Reads the journals
// twice: first it finds out which results are replaced by later ones, then it yields the others. Not
// thread-safe.
//
// Sessions of one run are merged, and so are several runs, in the order in which the user named them: a later
// result replaces an earlier one of the same path, key and bucket. The parts of an object that several shards
// have sent are replaced by the object's result, which `finish` records in the plan's journal.
//
// Memory: 24 bytes for each result that may replace another one. Only results of second and later sessions
// and of second and later directories can do that. So a run without a break needs no such memory, whatever
// its size.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "pipeline/journal/input_id.h"
#include "pipeline/journal/journal_reader.h"
#include "pipeline/journal/result_details.h"
#include "pipeline/reports/run_records.h"
#include "s3/base/result.h"

namespace pipeline {

class MergedResults {
 public:
  // Called for each result that counts. The values are valid during the call. Returns false to end the
  // reading.
  using Visit = std::function<bool(const RunRecords&, const ResultRecord&, const ResultDetails&)>;

  // Reads the journals of `runs` for the first time, and sets the fields of `*runs` that come from a journal.
  // `runs` must outlive the result. Fails with kLocal if a journal is damaged or cannot be read. Blocks.
  static s3::Result<MergedResults> Index(std::vector<RunRecords>* runs);

  // Reads the journals again, up to the ends that Index() saw, so that results of a running run are the same
  // in each pass. Fails as Index() does, and if a field of a result is damaged. Blocks.
  s3::Result<void> ForEach(const Visit& visit) const;

  const std::vector<RunRecords>& runs() const { return *runs_; }

 private:
  struct Entry {
    InputId id;
    std::uint64_t position;  // of the result among all results of all journals, from 0

    bool operator<(const Entry& other) const {
      return id != other.id ? id < other.id : position < other.position;
    }
  };

  explicit MergedResults(const std::vector<RunRecords>* runs) : runs_(runs) {}
  s3::Result<void> IndexOne(RunRecords* run, std::uint64_t* position);
  s3::Result<bool> VisitOne(const RunRecords& run, std::uint64_t* position, const Visit& visit) const;
  void Add(const RunRecords& run, const ResultRecord& result, std::uint64_t position);
  void KeepLast();
  bool Counts(const RunRecords& run, const ResultRecord& result, std::uint64_t position) const;

  const std::vector<RunRecords>* runs_;
  std::vector<Entry> replacing_;  // sorted by ID; the last result of each input
  std::vector<InputId> joined_;   // sorted; objects whose ranges are replaced by a result of `finish`
};

}  // namespace pipeline
