// Reads a journal, one typed record at a time. Not thread-safe.
//
//   JournalReader reader(std::move(file), path);
//   while (const auto record = reader.Next()) std::visit(visitor, *record);
//   if (reader.failure()) return tl::unexpected(*reader.failure());
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/journal/line_reader.h"
#include "pipeline/journal/record.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

class JournalReader {
 public:
  // How much Next() reads of a result line. An outcome alone costs a tenth of the time.
  enum class Results { kWhole, kOutcome };

  // `path` is for messages.
  JournalReader(s3::UniqueFd file, std::string path);

  // The next record; kOutcome turns a ResultRecord into a ResultOutcome. Nothing at the end of the journal,
  // and after a failure. A last line that a crash has torn is not a failure: it ends the journal.
  std::optional<JournalRecord> Next(Results results = Results::kWhole);

  // kLocal, naming the line: a line that is not intact and is not the last one, a line of another version, or
  // a file that is not a journal.
  const std::optional<s3::Error>& failure() const { return failure_; }
  // Sizes of the intact lines so far, and of the torn line behind them.
  std::uint64_t intact_bytes() const { return intact_bytes_; }
  std::uint64_t torn_bytes() const { return torn_bytes_; }

 private:
  std::optional<std::string_view> NextIntactLine();
  void ReadTornLine(std::string_view line);
  std::optional<JournalRecord> Parse(std::string_view line);

  LineReader lines_;
  const std::string path_;
  std::string result_path_, result_key_;  // of the last result, when its line has them escaped
  std::uint64_t intact_bytes_ = 0, torn_bytes_ = 0;
  std::optional<s3::Error> failure_;
};

}  // namespace pipeline
