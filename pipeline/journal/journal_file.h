// Finds the file of a run's journal. Only this unit knows that the file has two possible names:
// journal.jsonl, or journal.jsonl.zst once the journal was compressed. If both exist, journal.jsonl is the
// journal: the other one is left over from a compression or decompression that was interrupted, and has the
// same records. A process that compresses, decompresses or appends must hold the RunLock. Blocks; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

inline constexpr char kJournalName[] = "journal.jsonl";  // name in a run directory and in a plan's directory
inline constexpr char kCompressedJournalName[] = "journal.jsonl.zst";

struct JournalFile {
  s3::UniqueFd fd;
  std::string path;  // for messages
  bool is_compressed = false;
};

// Returns true if the directory has a journal, even one that cannot be trusted or read.
bool HasJournal(const OwnDir& directory);
// The same for a directory that is not open.
bool HasJournal(const std::string& directory);
// Returns the path of the journal in `directory`; that of journal.jsonl if there is no journal.
std::string JournalPathIn(const std::string& directory);

// Opens the journal for reading. Returns nothing if the directory has no journal. Errors are those of OwnDir.
s3::Result<std::optional<JournalFile>> FindJournal(const OwnDir& directory);
// Opens the journal for reading. Fails if the directory has no journal.
s3::Result<JournalFile> ReadJournal(const OwnDir& directory);
// Opens the file `name` for reading. The name tells whether the file is compressed. Returns nothing if the
// directory has no such file.
s3::Result<std::optional<JournalFile>> FindJournalNamed(const OwnDir& directory, const std::string& name);

// Replaces journal.jsonl by journal.jsonl.zst, which it reads back before it removes journal.jsonl. The whole
// journal is on the disk at each moment. Fails if the disk is full or a system call fails, and with
// kCancelled if a stop is requested; then journal.jsonl remains.
s3::Result<void> CompressJournal(const OwnDir& directory, const std::stop_token& stop);

// Makes journal.jsonl the only journal, so that lines can be appended: decompresses journal.jsonl.zst if it
// is the journal, and removes what an interrupted compression left. Returns true if the journal was
// compressed. Fails if the compressed file is damaged or the disk is full; then journal.jsonl.zst remains.
s3::Result<bool> ExpandJournal(const OwnDir& directory);

}  // namespace pipeline
