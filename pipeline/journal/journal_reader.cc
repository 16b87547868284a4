#include "pipeline/journal/journal_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/journal/checksummed_line.h"

namespace pipeline {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kRunLead = R"({"record":"run",)";
constexpr std::string_view kResultLead = R"({"record":"result","outcome":")";

// An older version did not write all of these fields. A missing field becomes empty, a missing kind
// RunKind::kRun.
RunScope ReadScope(const Json& line) {
  return {.kind = RunKindOf(line.value("kind", "")),
          .stores = line.value("stores", std::vector<std::string>()),
          .bucket = line.value("bucket", ""),
          .objects = line.value("objects", "")};
}

RunRecord ReadRun(const Json& line) {
  return {.session = line.at("session"),
          .scope = ReadScope(line),
          .settings = line.at("settings"),
          .job_file = line.at("job_file"),
          .overrides = line.at("overrides"),
          .shard = line.value("shard", ""),
          .scheduler = line.value("scheduler", std::map<std::string, std::string>()),
          .directory = line.value("directory", "")};
}

UploadRecord ReadUpload(const Json& line) {
  return {.token = line.at("token"),
          .path = BytesOf(line, "path"),
          .key = BytesOf(line, "key"),
          .upload_id = line.at("upload_id"),
          .size_bytes = line.at("size"),
          .part_bytes = line.at("part_size"),
          .mtime_ns = line.at("mtime_ns"),
          .created_once = line.at("created_once")};
}

PartRecord ReadPart(const Json& line) {
  return {.token = line.at("token"),
          .number = line.at("part"),
          .bytes = line.at("size"),
          .etag = line.at("etag"),
          .digest = line.at("digest"),
          .checksum = line.value("checksum", "")};
}

// Leaves path and key empty, because they must refer to bytes that the caller owns.
ResultRecord ReadResult(const Json& line) {
  return {.outcome = OutcomeOf(line.at("outcome").get_ref<const std::string&>()),
          .first_part = line.value("first_part", 0),
          .size_bytes = line.at("size"),
          .mtime_ns = line.value("mtime_ns", std::int64_t{0}),
          .kind = s3::KindOf(line.value("kind", "")).value_or(s3::ErrorKind::kPermanent),
          .attempts = line.value("attempts", 1),
          .hides_inputs = line.value("hides_inputs", false)};
}

// Takes fields from the front of a line, in the order in which s3flow writes them. A call returns false if
// the line has another field next. The scanner must not be used after that.
class FieldScanner {
 public:
  explicit FieldScanner(std::string_view line) : rest_(line) {}

  bool At(std::string_view lead) const { return rest_.starts_with(lead); }

  // Takes a text without escapes, up to its closing quote. `lead` must end with the opening quote.
  bool Text(std::string_view lead, std::string_view* value) {
    if (!Skip(lead)) return false;
    const auto* const quote = static_cast<const char*>(std::memchr(rest_.data(), '"', rest_.size()));
    if (quote == nullptr) return false;
    *value = rest_.substr(0, static_cast<std::size_t>(quote - rest_.data()));
    rest_.remove_prefix(value->size() + 1);
    return std::memchr(value->data(), '\\', value->size()) == nullptr;
  }

  // Takes a number that is followed by a comma.
  template <typename Value>
  bool Number(std::string_view lead, Value* value) {
    if (!Skip(lead)) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), *value);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return error == std::errc() && rest_.starts_with(',');
  }

 private:
  bool Skip(std::string_view lead) {
    if (!rest_.starts_with(lead)) return false;
    rest_.remove_prefix(lead.size());
    return true;
  }

  std::string_view rest_;
};

std::string_view OutcomeNameIn(std::string_view line) {
  const auto rest = line.substr(kResultLead.size());
  return rest.substr(0, rest.find('"'));
}

// Reads a result of a whole file whose names need no escapes, in the order in which ResultLine writes the
// fields. Most lines are such results, and this is five times as fast as a parser. Returns nothing for all
// other lines.
std::optional<ResultRecord> ScanPlainResult(std::string_view line) {
  FieldScanner fields(line);
  std::string_view outcome;
  ResultRecord result;
  if (!fields.Text(kResultLead, &outcome)) return std::nullopt;
  if (outcome != "uploaded" && outcome != "skipped") return std::nullopt;  // other outcomes need more fields
  const bool is_plain = fields.Text(R"(,"path":")", &result.path) &&
                        fields.Text(R"(,"key":")", &result.key) &&
                        fields.Number(R"(,"size":)", &result.size_bytes);
  if (!is_plain) return std::nullopt;
  constexpr std::string_view kTime = R"(,"mtime_ns":)";
  if (fields.At(kTime) && !fields.Number(kTime, &result.mtime_ns)) return std::nullopt;
  result.outcome = OutcomeOf(outcome);
  return result;
}

// Returns true if a crash can leave `line` as a journal's first line: the beginning of a run record, perhaps
// with zeros after it.
bool MayBeTornRunLine(std::string_view line) {
  line = line.substr(0, line.find_last_not_of('\0') + 1);
  return line.starts_with(kRunLead) || kRunLead.starts_with(line);
}

s3::Error Failure(std::string message) {
  return {.kind = s3::ErrorKind::kLocal, .message = std::move(message)};
}

s3::Error ForeignFile(const std::string& path) {
  return Failure(path + " is not a journal of s3flow: choose another run directory, or move that file away");
}

// Only the journal of a complete run is compressed, so a crash cannot have torn its last line.
s3::Error DamagedLineOfCompressed(const std::string& path, std::uint64_t number) {
  return Failure(
      fmt::format("{}:{}: this line is damaged: put back a copy of the file, or choose another run "
                  "directory (zstdcat shows the lines that can still be read)",
                  path, number));
}

s3::Error DamagedLine(const std::string& path, std::uint64_t number) {
  return Failure(
      fmt::format("{}:{}: this line is damaged, and more lines follow, so a crash did "
                  "not cause this: use another run directory, or keep only the lines before it (head -n {})",
                  path, number, number - 1));
}

// The error for an unknown line whose checksum is right: the line is not torn, so another version wrote it.
s3::Error UnknownLine(const std::string& path, std::uint64_t number) {
  return Failure(
      fmt::format("{}:{}: this line is of another version of s3flow: resume with that version, or use "
                  "another run directory",
                  path, number));
}

}  // namespace

JournalReader::JournalReader(JournalFile file)
    : lines_(std::move(file.fd), file.path,
             file.is_compressed ? LineReader::Encoding::kZstd : LineReader::Encoding::kPlain),
      path_(std::move(file.path)),
      is_compressed_(file.is_compressed) {}

std::optional<JournalRecord> JournalReader::Next(Results results) {
  const auto line = NextIntactLine();
  if (!line) return std::nullopt;
  line_ = *line;
  if (results == Results::kOutcome && line->starts_with(kResultLead)) {
    return ResultOutcome{OutcomeNameIn(*line)};
  }
  if (const auto result = ScanPlainResult(*line)) return *result;
  auto record = Parse(*line);
  if (!record) failure_ = UnknownLine(path_, lines_.number());
  return record;
}

std::optional<std::string_view> JournalReader::NextIntactLine() {
  if (failure_) return std::nullopt;
  const auto line = lines_.Next();
  if (!line) {
    failure_ = lines_.failure();
    return std::nullopt;
  }
  if (!lines_.ended() || !IsIntact(*line)) {
    ReadTornLine(*line);
    return std::nullopt;
  }
  intact_bytes_ += line->size() + 1;
  return line;
}

// Accepts a torn line only at the end of the file, because a crash tears only the last line. If the first
// line is torn, it must begin like a run record.
void JournalReader::ReadTornLine(std::string_view line) {
  const auto number = lines_.number();
  if (is_compressed_) {
    failure_ = DamagedLineOfCompressed(path_, number);
    return;
  }
  if (number == 1 && (lines_.ended() || !MayBeTornRunLine(line))) {
    failure_ = ForeignFile(path_);
    return;
  }
  torn_bytes_ = line.size() + (lines_.ended() ? 1 : 0);
  const bool has_more = lines_.Next().has_value();
  failure_ = has_more ? DamagedLine(path_, number) : lines_.failure();
}

// Returns nothing if this version does not write such a record.
std::optional<JournalRecord> JournalReader::Parse(std::string_view text) try {
  const auto line = Json::parse(text);
  const auto& record = line.at("record").get_ref<const std::string&>();
  if (record == "result") {
    auto result = ReadResult(line);
    result.path = result_path_ = BytesOf(line, "path");
    result.key = result_key_ = BytesOf(line, "key");
    return result;
  }
  if (record == "part") return ReadPart(line);
  if (record == "run") return ReadRun(line);
  if (record == "end") return EndRecord{line.at("exit_status"), line.at("complete")};
  if (record == "upload") return ReadUpload(line);
  if (record == "creating") return CreatingRecord{line.at("token"), BytesOf(line, "key"), line.at("time")};
  if (record == "completing") return CompletingRecord{line.at("token")};
  if (record == "gone") return GoneRecord{line.at("token")};
  return std::nullopt;
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace pipeline
