#include "pipeline/journal/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "pipeline/journal/checksummed_line.h"
#include "pipeline/journal/line_reader.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

using Json = nlohmann::json;

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

// Fields that an older version did not write stay empty.
RunScope ReadScope(const Json& line) {
  return {.kind = RunKindOf(line.value("kind", "")),
          .stores = line.value("stores", std::vector<std::string>()),
          .bucket = line.value("bucket", ""),
          .objects = line.value("objects", "")};
}

// True for what a crash can leave of a journal's first line: its beginning, perhaps with zeros behind it.
bool BeginsARun(std::string_view line) {
  constexpr std::string_view kLead = R"({"record":"run",)";
  line = line.substr(0, line.find_last_not_of('\0') + 1);
  return line.starts_with(kLead) || kLead.starts_with(line);
}

tl::unexpected<s3::Error> ForeignFile(const std::string& path) {
  return s3::Fail(s3::ErrorKind::kLocal,
                  path + " is no journal of s3flow's: choose another run directory, or move that file away");
}

tl::unexpected<s3::Error> DamagedLine(const std::string& path, std::uint64_t number) {
  return s3::Fail(
      s3::ErrorKind::kLocal,
      fmt::format("{}:{}: this line is damaged, and others follow, which no crash explains: use another "
                  "run directory, or go on from the lines before it (head -n {})",
                  path, number, number - 1));
}

// With a CRC that fits it is not torn.
tl::unexpected<s3::Error> UnknownLine(const std::string& path, std::uint64_t number) {
  return s3::Fail(
      s3::ErrorKind::kLocal,
      fmt::format("{}:{}: this line is of another version of s3flow: go on with that version, or use "
                  "another run directory",
                  path, number));
}

}  // namespace

History::History(History&& other) noexcept { *this = std::move(other); }

History& History::operator=(History&& other) noexcept {
  run_ = std::move(other.run_);
  end_ = other.end_;
  intact_bytes_ = other.intact_bytes_;
  torn_bytes_ = other.torn_bytes_;
  settled_inputs_ = std::move(other.settled_inputs_);
  settled_ = std::move(other.settled_);
  unsettled_ = std::move(other.unsettled_);
  session_results_ = std::move(other.session_results_);
  uploads_ = std::move(other.uploads_);
  tokens_ = std::move(other.tokens_);
  has_uploads_ = other.has_uploads_;
  creations_ = std::move(other.creations_);
  parts_of_plan_ = std::move(other.parts_of_plan_);
  return *this;
}

History::Identity History::IdentityOf(const InputFile& file) {
  return IdentityOf(file.path, file.key, file.range ? file.range->first : 0);
}

History::Identity History::IdentityOf(std::string_view path, std::string_view key, int first_part) {
  const auto front = [](const s3::Sha256Digest& digest) {
    std::uint64_t bytes;
    std::memcpy(&bytes, digest.data(), sizeof bytes);
    return bytes;
  };
  const auto object =
      first_part == 0 ? s3::Sha256(key) : s3::Sha256(fmt::format("{}{}{}", key, '\0', first_part));
  return {front(object), front(s3::Sha256(path))};
}

s3::Result<History> History::Load(const OwnDir& directory, Depth depth, const RunScope* scope) {
  return Load(directory, kJournalName, depth, scope);
}

s3::Result<History> History::Load(const std::string& journal_path, Depth depth, const RunScope* scope) {
  return OwnDir::Around(journal_path, Trust::kOthers).and_then([&](const OwnDir& directory) {
    return Load(directory, NameOf(journal_path), depth, scope);
  });
}

s3::Result<History> History::Load(const OwnDir& directory, const std::string& name, Depth depth,
                                  const RunScope* scope) {
  History history;
  history.scope_ = scope;
  auto file = directory.Find(name);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return history;
  LineReader lines(std::move(**file), directory.PathOf(name));
  std::uint64_t torn = 0;  // number of the line
  while (const auto line = lines.Next()) {
    if (torn != 0) return DamagedLine(directory.PathOf(name), torn);
    if (lines.ended() && IsIntact(*line)) {
      if (!history.Read(*line, depth)) return UnknownLine(directory.PathOf(name), lines.number());
      history.intact_bytes_ += line->size() + 1;
      continue;
    }
    torn = lines.number();
    if (torn == 1 && (lines.ended() || !BeginsARun(*line))) return ForeignFile(directory.PathOf(name));
    history.torn_bytes_ = line->size() + (lines.ended() ? 1 : 0);
  }
  if (lines.failure()) return tl::unexpected(*lines.failure());
  history.has_uploads_ = !history.tokens_.empty();
  history.IndexSettled();
  history.scope_ = nullptr;
  return history;
}

// Without parsing: our own lines begin the same way, always.
bool History::Tally(std::string_view line) {
  constexpr std::string_view kLead = R"({"record":"result","outcome":")";
  if (!line.starts_with(kLead)) return false;
  line.remove_prefix(kLead.size());
  ++session_results_[std::string(line.substr(0, line.find('"')))];
  return true;
}

void History::Settle(Settled input) {
  input.in_scope = in_scope_;
  settled_inputs_.push_back(input);
  const auto token = tokens_.find(input.identity);
  if (input.outcome != Outcome::kUploaded || token == tokens_.end()) return;
  uploads_.erase(token->second);
  tokens_.erase(token);
}

void History::ReadResult(const Json& line) {
  const auto outcome = OutcomeOf(line.at("outcome").get_ref<const std::string&>());
  Settled input{IdentityOf(BytesOf(line, "path"), BytesOf(line, "key"), line.value("first_part", 0)),
                line.at("size"), line.value("mtime_ns", std::int64_t{0}), outcome,
                s3::KindOf(line.value("kind", "")).value_or(s3::ErrorKind::kPermanent)};
  // A request whose response was lost may have stored the object all the same.
  input.may_write = outcome != Outcome::kSkipped && line.value("attempts", 1) > 0;
  Settle(input);
}

// Most lines are results whose names need no escapes: read in the order in which ResultLine writes, five
// times as fast as by parsing. False for all others.
bool History::ReadPlainResult(std::string_view line) {
  const auto text = [&](std::string_view lead, std::string_view* value) {
    if (!line.starts_with(lead)) return false;
    line.remove_prefix(lead.size());
    const auto end = line.find_first_of("\"\\");
    if (end == std::string_view::npos || line[end] != '"') return false;
    *value = line.substr(0, end);
    line.remove_prefix(end + 1);
    return true;
  };
  const auto number = [&](std::string_view lead, auto* value) {
    if (!line.starts_with(lead)) return false;
    line.remove_prefix(lead.size());
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), *value);
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    return error == std::errc() && line.starts_with(',');
  };
  std::string_view outcome, path, key;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  if (!text(R"({"record":"result","outcome":")", &outcome) || !text(R"(,"path":")", &path) ||
      !text(R"(,"key":")", &key) || !number(R"(,"size":)", &size_bytes)) {
    return false;
  }
  if (line.starts_with(R"(,"mtime_ns":)") && !number(R"(,"mtime_ns":)", &mtime_ns)) return false;
  const bool plain = outcome == "uploaded" || outcome == "skipped";  // others have more to say
  if (!plain) return false;
  Settled input{IdentityOf(path, key), size_bytes, mtime_ns, OutcomeOf(outcome), {}};
  input.may_write = input.outcome == Outcome::kUploaded;
  Settle(input);
  return true;
}

bool History::ReadUploadRecord(const std::string& record, const Json& line) {
  const std::string token = line.at("token");
  const auto upload = uploads_.find(token);
  if (record == "creating") {
    creations_[token] = {token, BytesOf(line, "key"), line.at("time")};
  } else if (record == "upload") {
    auto created = ReadUpload(line);
    if (created.created_once) creations_.erase(token);
    tokens_[IdentityOf(created.path, created.key)] = token;
    uploads_[token] = {.record = std::move(created), .outdated = !in_scope_};
  } else if (record == "part") {
    auto part = ReadPart(line);
    auto& parts = upload != uploads_.end() ? upload->second.parts : parts_of_plan_[token];
    parts[part.number] = std::move(part);
  } else if (record == "gone") {
    creations_.erase(token);
    if (upload == uploads_.end()) return true;
    const auto named = tokens_.find(IdentityOf(upload->second.record.path, upload->second.record.key));
    if (named != tokens_.end() && named->second == token) tokens_.erase(named);
    uploads_.erase(upload);
  } else {
    if (record != "completing") return false;
    if (upload != uploads_.end()) upload->second.completing = true;
  }
  return true;
}

// False for what no journal of this version holds.
bool History::Read(std::string_view text, Depth depth) try {
  if (depth == Depth::kOpenUploads && Tally(text) && tokens_.empty()) return true;
  if (depth == Depth::kAll && ReadPlainResult(text)) return true;
  const auto line = Json::parse(text);
  const auto& record = line.at("record").get_ref<const std::string&>();
  if (record == "result") {
    ReadResult(line);
    if (depth == Depth::kOpenUploads) settled_inputs_.clear();
    return true;
  }
  if (record == "end") {
    end_ = EndRecord{line.at("exit_status"), line.at("complete")};
    return true;
  }
  if (record != "run") return ReadUploadRecord(record, line);
  run_ = RunRecord{.session = line.at("session"),
                   .scope = ReadScope(line),
                   .settings = line.at("settings"),
                   .job_file = line.at("job_file"),
                   .overrides = line.at("overrides"),
                   .shard = line.value("shard", ""),
                   .scheduler = line.value("scheduler", std::map<std::string, std::string>())};
  in_scope_ = scope_ == nullptr || run_->scope.objects.empty() || run_->scope.objects == scope_->objects;
  end_.reset();
  session_results_.clear();
  return true;
} catch (const std::exception&) {
  return false;
}

// The last result of each input counts, when its session's objects are stored as this one's are, and unless
// another input has written to the same key since. Results of one key stand together, in the journal's order.
void History::IndexSettled() {
  auto& all = settled_inputs_;
  const auto key = [](const Settled& input) { return input.identity.first; };
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto stands = [&](std::size_t i) {
    for (auto later = i + 1; later < all.size() && key(all[later]) == key(all[i]); ++later) {
      if (all[later].identity == all[i].identity || all[later].may_write) return false;
    }
    return all[i].in_scope;
  };
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!stands(i)) continue;
    ObjectResult result;
    result.outcome = all[i].outcome;
    result.size_bytes = all[i].size_bytes;
    if (all[i].outcome == Outcome::kFailed) result.error = s3::Error{.kind = all[i].kind};
    const bool settled = all[i].outcome != Outcome::kFailed && all[i].outcome != Outcome::kCancelled;
    auto& counts = settled ? settled_ : unsettled_;
    ++counts.found;
    counts.Count(result);
    if (all[i].outcome != Outcome::kCancelled) all[kept++] = all[i];
  }
  all.resize(kept);
  all.shrink_to_fit();
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.identity < b.identity; });
}

const History::Settled* History::Find(const InputFile& file) const {
  if (settled_inputs_.empty()) return nullptr;
  const auto identity = IdentityOf(file);
  const auto found =
      std::lower_bound(settled_inputs_.begin(), settled_inputs_.end(), identity,
                       [](const Settled& input, const Identity& id) { return input.identity < id; });
  return found != settled_inputs_.end() && found->identity == identity ? &*found : nullptr;
}

History::InputState History::StateOf(const InputFile& file) const { return StateOf(file, Find(file)); }

History::InputState History::StateOf(const InputFile& file, const Settled* input) const {
  if (input == nullptr) return InputState::kNew;
  if (input->outcome == Outcome::kFailed) return InputState::kFailed;
  // What a range has for a size is its own.
  const bool same_size = file.range || input->size_bytes == file.size_bytes;
  const bool same = file.is_stream || (same_size && input->mtime_ns == file.mtime_ns);
  return same ? InputState::kDone : InputState::kStale;
}

std::optional<History::Earlier> History::FindSettled(const InputFile& file) const {
  const auto* input = Find(file);
  if (StateOf(file, input) != InputState::kDone) return std::nullopt;
  return Earlier{input->outcome, input->size_bytes};
}

std::optional<OpenUpload> History::TakeUpload(const InputFile& file) {
  if (!has_uploads_) return std::nullopt;
  std::lock_guard lock(mutex_);
  const auto token = tokens_.find(IdentityOf(file));
  if (token == tokens_.end()) return std::nullopt;
  const auto upload = uploads_.find(token->second);
  auto taken = std::move(upload->second);
  uploads_.erase(upload);
  tokens_.erase(token);
  return taken;
}

std::optional<std::uint64_t> History::PartBytes(const InputFile& file) const {
  if (!has_uploads_) return std::nullopt;
  std::lock_guard lock(mutex_);
  const auto token = tokens_.find(IdentityOf(file));
  if (token == tokens_.end()) return std::nullopt;
  const auto& record = uploads_.at(token->second).record;
  if (record.size_bytes != file.size_bytes || record.part_bytes == 0) return std::nullopt;
  return record.part_bytes;
}

std::vector<OpenUpload> History::TakeUploads() {
  std::lock_guard lock(mutex_);
  std::vector<OpenUpload> taken;
  for (auto& [token, upload] : uploads_) taken.push_back(std::move(upload));
  uploads_.clear();
  tokens_.clear();
  return taken;
}

const PartRecords* History::PartsOfPlan(const std::string& token) const {
  const auto parts = parts_of_plan_.find(token);
  return parts != parts_of_plan_.end() ? &parts->second : nullptr;
}

std::vector<Creation> History::creations() const {
  std::lock_guard lock(mutex_);
  std::vector<Creation> all;
  for (const auto& [token, creation] : creations_) all.push_back(creation);
  return all;
}

}  // namespace pipeline
