// Lists of results for other programs: one record for each result. The functions that escape are pure.
//
// Memory does not depend on the number of results, except in two formats: kBagIt takes 24 bytes for each
// uploaded input, and kFailed about 64 bytes for each object with failed ranges of parts.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/reports/merged_results.h"
#include "pipeline/reports/report_output.h"

namespace pipeline {

enum class ListFormat {
  kCsv,        // RFC 4180, with a header line
  kSha256Sum,  // as GNU coreutils' sha256sum writes it, for `sha256sum -c` in the source directory
  kBagIt,      // manifest-sha256.txt of RFC 8493; the objects are the payload, in data/
  kFailed,     // the absolute paths of failed inputs, one a line
  kFailed0     // the same, each followed by a NUL
};

// The settings of a run that its lists need.
struct SourceFacts {
  std::vector<std::string> roots;  // source[].path
  std::string prefix;              // destination.prefix
};

struct ListResult {
  std::vector<std::string> notes;  // what the list leaves out, and why; one line for each
  bool is_complete = true;         // false if the list lacks records that belong into it
};

// Writes the list. `facts_of` returns the settings of a run; called at most twice for each run. Fails with
// kLocal if a journal cannot be read. If the output cannot be written, stops early; ReportOutput::Finish()
// says why.
s3::Result<ListResult> WriteList(const MergedResults& results, ListFormat format,
                                 const std::function<SourceFacts(const RunRecords&)>& facts_of,
                                 ReportOutput* output);

// Return a record with its line end. `sha256` is in hex.
std::string CsvHeader();
std::string CsvRecord(const ResultRecord& result, const ResultDetails& details);
std::string Sha256SumLine(std::string_view sha256, std::string_view name);
std::string BagItLine(std::string_view sha256, std::string_view name);

// Returns the SHA-256 of the whole object in hex; empty if the result has none.
std::string Sha256Of(const ResultDetails& details);
// Returns `path` relative to the source directory. Returns `path` unchanged if the runs have several sources,
// because their files may have the same name.
std::string_view RelativeTo(const std::vector<std::string>& roots, std::string_view path);

}  // namespace pipeline
