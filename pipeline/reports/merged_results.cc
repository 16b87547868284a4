#include "pipeline/reports/merged_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "pipeline/report/format.h"

namespace pipeline {
namespace {

// Returns the ID of the input in all journals about one bucket. The names of stores are not compared, because
// a run may use another name of the same store in each session.
InputId IdOf(const RunRecords& run, std::string_view path, std::string_view key, int first_part) {
  auto id = InputIdOf(path, key, first_part);
  if (run.run) id.path ^= std::hash<std::string_view>()(run.run->scope.bucket);
  return id;
}

// Until a session has written status.json and summary.json, the files of the session before are in the
// directory. Their verdict, times and counts are not those of the last session.
void ForgetEarlierSessions(RunRecords* run) {
  if (!run->run) return;
  if (run->last_session.session != run->run->session) run->last_session = {};
  if (run->view.status && run->view.status->session != run->run->session) run->view.status.reset();
}

}  // namespace

s3::Result<MergedResults> MergedResults::Index(std::vector<RunRecords>* runs) {
  MergedResults results(runs);
  std::uint64_t position = 0;
  for (auto& run : *runs) {
    if (const auto read = results.IndexOne(&run, &position); !read) return tl::unexpected(read.error());
  }
  results.KeepLast();
  return results;
}

s3::Result<void> MergedResults::IndexOne(RunRecords* run, std::uint64_t* position) {
  auto file = ReadJournal(run->directory);
  if (!file) return tl::unexpected(file.error());
  JournalReader reader(std::move(*file));
  bool may_replace = run->argument > 0 || run->is_plan;
  auto session_from = *position;
  for (;;) {
    const auto depth = may_replace ? JournalReader::Results::kWhole : JournalReader::Results::kOutcome;
    auto record = reader.Next(depth);
    if (!record) break;
    if (auto* const session = std::get_if<RunRecord>(&*record)) {
      ++run->sessions;
      session_from = *position;
      may_replace = may_replace || run->sessions > 1;
      run->run = std::move(*session);
      run->end.reset();
    } else if (const auto* const end = std::get_if<EndRecord>(&*record)) {
      run->end = *end;
      // An uploader of another program (pipeline/node) may get other inputs in each session.
      const bool is_job = run->run && !run->run->job_file.empty();
      if (end->complete && is_job && end->status != kExitNoInput) run->complete_from = session_from;
    } else if (const auto* const result = std::get_if<ResultRecord>(&*record)) {
      Add(*run, *result, (*position)++);
    } else if (std::holds_alternative<ResultOutcome>(*record)) {
      ++*position;
    }
  }
  if (reader.failure()) return tl::unexpected(*reader.failure());
  run->intact_bytes = reader.intact_bytes();
  run->torn_bytes = reader.torn_bytes();
  ForgetEarlierSessions(run);
  return {};
}

void MergedResults::Add(const RunRecords& run, const ResultRecord& result, std::uint64_t position) {
  const auto id = IdOf(run, result.path, result.key, result.first_part);
  replacing_.push_back({id, position});
  if (run.is_plan && result.outcome != Outcome::kCancelled) joined_.push_back(id);
}

void MergedResults::KeepLast() {
  std::sort(replacing_.begin(), replacing_.end());
  // From the back, so that the last result of each input is kept.
  const auto kept = std::unique(replacing_.rbegin(), replacing_.rend(),
                                [](const Entry& a, const Entry& b) { return a.id == b.id; });
  replacing_.erase(replacing_.begin(), kept.base());
  std::sort(joined_.begin(), joined_.end());
}

bool MergedResults::Counts(const RunRecords& run, const ResultRecord& result, std::uint64_t position) const {
  if (run.is_plan && result.outcome == Outcome::kCancelled) return false;  // its ranges count
  // A list or directory that can be read again has no result of its own. A later complete session has read
  // it, or would have recorded its failure again.
  if (result.hides_inputs && position < run.complete_from) return false;
  const bool is_joined =
      result.first_part > 0 && !joined_.empty() &&
      std::binary_search(joined_.begin(), joined_.end(), IdOf(run, result.path, result.key, 0));
  if (is_joined) return false;
  if (replacing_.empty()) return true;
  const auto id = IdOf(run, result.path, result.key, result.first_part);
  const auto last = std::lower_bound(replacing_.begin(), replacing_.end(), Entry{id, 0});
  return last == replacing_.end() || last->id != id || last->position <= position;
}

s3::Result<void> MergedResults::ForEach(const Visit& visit) const {
  std::uint64_t position = 0;
  for (const auto& run : *runs_) {
    const auto read = VisitOne(run, &position, visit);
    if (!read) return tl::unexpected(read.error());
    if (!*read) break;
  }
  return {};
}

s3::Result<bool> MergedResults::VisitOne(const RunRecords& run, std::uint64_t* position,
                                         const Visit& visit) const {
  auto file = ReadJournal(run.directory);
  if (!file) return tl::unexpected(file.error());
  const auto path = file->path;
  JournalReader reader(std::move(*file));
  ResultDetails details;
  while (reader.intact_bytes() < run.intact_bytes) {
    const auto record = reader.Next();
    if (!record) break;
    const auto* const result = std::get_if<ResultRecord>(&*record);
    if (result == nullptr) continue;
    if (!Counts(run, *result, (*position)++)) continue;
    if (!ReadDetails(reader.line(), &details)) {
      return s3::Fail(
          s3::ErrorKind::kLocal,
          fmt::format("{}: the result of {} has a damaged field, or is of another version of s3flow", path,
                      Printable(result->path)));
    }
    if (!visit(run, *result, details)) return false;
  }
  if (reader.failure()) return tl::unexpected(*reader.failure());
  return true;
}

}  // namespace pipeline
