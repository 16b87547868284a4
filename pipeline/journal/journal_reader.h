// Reads a journal, one typed record at a time. Not thread-safe.
//
//   JournalReader reader(std::move(*ReadJournal(directory)));
//   while (const auto record = reader.Next()) std::visit(visitor, *record);
//   if (reader.failure()) return tl::unexpected(*reader.failure());
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/fs/line_reader.h"
#include "pipeline/journal/journal_file.h"
#include "pipeline/journal/record.h"
#include "s3/base/result.h"

namespace pipeline {

class JournalReader {
 public:
  // How much of a result line Next() reads. kOutcome takes a tenth of the time of kWhole.
  enum class Results { kWhole, kOutcome };

  explicit JournalReader(JournalFile file);

  // Returns the next record. With kOutcome, returns a ResultOutcome instead of a ResultRecord. Returns
  // nothing at the end of the journal and after a failure. If a crash has torn the last line, the reader ends
  // before that line, without a failure.
  std::optional<JournalRecord> Next(Results results = Results::kWhole);

  // Returns the line of the record that Next() returned last, without its newline. It is valid until Next()
  // is called again.
  std::string_view line() const { return line_; }
  // Returns the error that ended the reading; nothing if there was none. It is kLocal, with the line's number
  // in the message. Causes: a read error, a damaged line before the last one
  // (or any damaged line, if the journal is compressed), a line of another version, or a
  // file that is not a journal.
  const std::optional<s3::Error>& failure() const { return failure_; }
  // Return the size of the intact lines so far, and the size of the torn line after them, in bytes. For a
  // compressed journal: the size after decompression.
  std::uint64_t intact_bytes() const { return intact_bytes_; }
  std::uint64_t torn_bytes() const { return torn_bytes_; }

 private:
  std::optional<std::string_view> NextIntactLine();
  void ReadTornLine(std::string_view line);
  std::optional<JournalRecord> Parse(std::string_view line);

  LineReader lines_;
  const std::string path_;
  const bool is_compressed_;
  std::string_view line_;
  std::string result_path_, result_key_;  // of the last result, if its line has escapes
  std::uint64_t intact_bytes_ = 0, torn_bytes_ = 0;
  std::optional<s3::Error> failure_;
};

}  // namespace pipeline
