#include "pipeline/cli/read_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <variant>

#include "pipeline/cli/output.h"
#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/journal_reader.h"
#include "pipeline/report/format.h"
#include "pipeline/source/open_file.h"
#include "s3/hash/hash.h"

namespace cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kChunkBytes = 1 << 20;

std::string Bytes(const Json& line, const std::string& name) {
  if (line.contains(name)) return line.at(name);
  return s3::Base64Decode(line.at(name + "_base64").get<std::string>()).value();
}

std::string Sha256OfObject(const s3::endpoint::ObjectData& data, std::uint64_t size) {
  s3::Digest hash(s3::Digest::Kind::kSha256);
  for (std::uint64_t offset = 0; offset < size;) {
    const auto bytes = data.Read(offset, kChunkBytes);
    if (bytes.empty()) break;
    hash.Update(bytes);
    offset += bytes.size();
  }
  return s3::HexEncode(hash.Finish());
}

// Returns nothing if the file cannot be read or has another size. Opens it as the source does, because a FIFO
// may have replaced it.
std::optional<std::string> Sha256OfFile(const std::string& path, std::uint64_t size) {
  pipeline::InputFile named{.path = path, .key = path, .size_bytes = size, .follow_symlink = true};
  const auto file = pipeline::OpenFile::Open(named);
  if (!file) return std::nullopt;
  s3::Digest hash(s3::Digest::Kind::kSha256);
  std::string chunk(kChunkBytes, '\0');
  for (std::uint64_t offset = 0; offset < size; offset += chunk.size()) {
    chunk.resize(std::min<std::uint64_t>(chunk.size(), size - offset));
    if (!file->Read(offset, chunk)) return std::nullopt;
    hash.Update(chunk);
  }
  return s3::HexEncode(hash.Finish());
}

// Returns what is wrong with an uploaded object; empty if all is right. `line`: its result in the journal.
std::string Mismatch(const s3::endpoint::Store& store, const std::string& bucket, const Json& line) {
  const auto info = store.Head(bucket, Bytes(line, "key"));
  const auto data = store.Get(bucket, Bytes(line, "key"));
  if (!info || !data) return "is not in the store";
  const auto size = line.at("size").get<std::uint64_t>();
  if (info->size_bytes != size) return "has another size in the store";
  const auto stored = Sha256OfObject(*data, info->size_bytes);
  // An object that was sent as parts has no SHA-256 in the journal.
  if (line.contains("sha256") && stored != line.at("sha256").get<std::string>()) {
    return "has other bytes in the store than were sent";
  }
  if (line.contains("stream")) return "";  // a stream cannot be read again
  if (stored != Sha256OfFile(Bytes(line, "path"), size)) {
    return "differs from its file, which may have changed since the upload";
  }
  return "";
}

struct Counts {
  std::size_t equal = 0, different = 0;
  std::size_t maybe_stored = 0;  // inputs that failed or were cancelled after a request was sent
};

// `reader`: of a run's journal.
Counts CompareObjects(const s3::endpoint::Store& store, const std::string& bucket,
                      pipeline::JournalReader* reader) {
  Counts counts;
  while (const auto record = reader->Next(pipeline::JournalReader::Results::kOutcome)) {
    if (!std::holds_alternative<pipeline::ResultOutcome>(*record)) continue;
    const auto line = Json::parse(reader->line());
    if (line.at("outcome") != "uploaded") {
      if (line.value("attempts", 1) > 0) ++counts.maybe_stored;
      continue;
    }
    const auto mismatch = Mismatch(store, bucket, line);
    if (mismatch.empty()) {
      ++counts.equal;
    } else {
      ++counts.different;
      PrintError(fmt::format("{}: {}", pipeline::Printable(Bytes(line, "key")), mismatch));
    }
  }
  return counts;
}

}  // namespace

bool ReadBackAndCompare(const s3::endpoint::Store& store, const std::string& bucket,
                        const std::string& run_dir) {
  auto journal =
      pipeline::OwnDir::Open(run_dir, pipeline::Trust::kOthers).and_then([](const auto& directory) {
        return pipeline::ReadJournal(directory);
      });
  if (!journal) {
    PrintError(journal.error().message);
    return false;
  }
  pipeline::JournalReader reader(std::move(*journal));
  const auto counts = CompareObjects(store, bucket, &reader);
  if (reader.failure()) {
    PrintError(reader.failure()->message);
    return false;
  }
  const auto stored = store.CountObjects(bucket);
  const auto uploaded = counts.equal + counts.different;
  const bool is_explained = stored <= uploaded + counts.maybe_stored;
  if (!is_explained) {
    PrintError(fmt::format("the store has {} objects that the journal does not explain", stored - uploaded));
  }
  Say(fmt::format("read back: {} equal, {} not", pipeline::Counted(counts.equal, "object", "objects"),
                  counts.different));
  return counts.different == 0 && is_explained;
}

}  // namespace cli
