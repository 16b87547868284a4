#include "pipeline/plan/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "pipeline/fs/line_reader.h"
#include "pipeline/journal/checksummed_line.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/source/open_file.h"

namespace pipeline {
namespace {

using Json = nlohmann::json;

// One damaged line makes the plan useless, because the input of that line is unknown.
s3::Error Damaged(const std::string& path, std::uint64_t number) {
  return {.kind = s3::ErrorKind::kLocal,
          .message = fmt::format("{}:{}: this line is damaged: make a new plan", path, number)};
}

// Passes each line with its number to `take`, until `take` returns false.
s3::Result<void> ReadLines(const OwnDir& plan_dir, int shard,
                           const std::function<bool(std::string_view, std::uint64_t)>& take) {
  const auto name = ManifestName(shard);
  auto file = plan_dir.Read(name);
  if (!file) return tl::unexpected(file.error());
  LineReader lines(std::move(*file), plan_dir.PathOf(name));
  while (const auto line = lines.Next()) {
    if (!take(*line, lines.number())) return {};
  }
  if (lines.failure()) return tl::unexpected(*lines.failure());
  return {};
}

std::shared_ptr<const InputFile> ReadFile(const Json& line) {
  InputFile file;
  file.path = BytesOf(line, "path");
  file.key = BytesOf(line, "key");
  file.size_bytes = line.value("size", std::uint64_t{0});
  file.mtime_ns = line.value("mtime_ns", std::int64_t{0});
  file.relative_at = std::min(line.value("relative_at", std::size_t{0}), file.key.size());
  file.follow_symlink = line.value("follow", false);
  if (line.value("drop_cache", false)) file.reading.page_cache = PageCache::kDrop;
  if (line.value("direct", false)) file.reading.page_cache = PageCache::kBypass;
  file.reading.keep_atime = line.value("keep_atime", false);
  const auto change_check = line.value("change_check", "content");
  if (change_check == "times") file.reading.change_check = ChangeCheck::kTimes;
  if (change_check == "none") file.reading.change_check = ChangeCheck::kNone;
  file.planned = true;
  if (line.contains("token")) {
    PartsOfPlan range{.first = line.at("first_part"),
                      .last = line.at("last_part"),
                      .part_bytes = line.at("part_size"),
                      .token = line.at("token"),
                      .upload_id = line.at("upload_id")};
    const auto parts = range.part_bytes == 0 ? 0 : (file.size_bytes - 1) / range.part_bytes + 1;
    if (range.first < 1 || range.last < range.first || static_cast<std::uint64_t>(range.last) > parts) {
      throw std::out_of_range("no such parts");
    }
    file.range = std::make_shared<PartsOfPlan>(std::move(range));
  }
  return std::make_shared<InputFile>(std::move(file));
}

// Adds the open directory of its root to each file. Keeps the last directory open, because files of one root
// usually follow each other. So the cache does not open and close a directory for each file.
class RootCache {
 public:
  Input AddRoot(Input input) {
    auto* const found = std::get_if<std::shared_ptr<const InputFile>>(&input);
    if (found == nullptr || (*found)->follow_symlink) return input;
    auto path = RootOf(**found);
    if (!path) return input;
    if (path != path_) {
      directory_ = OpenRoot(**found);
      path_ = std::move(path);
    }
    auto file = **found;
    file.root = directory_;
    *found = std::make_shared<const InputFile>(std::move(file));
    return input;
  }

 private:
  std::optional<std::string> path_;
  std::shared_ptr<const s3::UniqueFd>
      directory_;  // null if it cannot be opened; OpenFile::Open then reports why
};

}  // namespace

std::string ManifestLine(const InputFile& file) {
  ChecksummedLine line("file");
  line.Bytes("path", file.path);
  line.Bytes("key", file.key);
  line.Literal("size", file.size_bytes);
  line.Literal("mtime_ns", file.mtime_ns);
  if (file.relative_at > 0) line.Literal("relative_at", file.relative_at);
  if (file.follow_symlink) line.Literal("follow", true);
  if (file.reading.page_cache == PageCache::kDrop) line.Literal("drop_cache", true);
  if (file.reading.page_cache == PageCache::kBypass) line.Literal("direct", true);
  if (file.reading.keep_atime) line.Literal("keep_atime", true);
  if (file.reading.change_check == ChangeCheck::kTimes) line.Text("change_check", "times");
  if (file.reading.change_check == ChangeCheck::kNone) line.Text("change_check", "none");
  if (file.range) {
    line.Text("token", file.range->token);
    line.Text("upload_id", file.range->upload_id);
    line.Literal("part_size", file.range->part_bytes);
    line.Literal("first_part", file.range->first);
    line.Literal("last_part", file.range->last);
  }
  return std::move(line).WithChecksum();
}

std::string ManifestLine(const ObjectResult& result) {
  ChecksummedLine line("settled");
  line.Bytes("path", result.file->path);
  line.Bytes("key", result.file->key);
  line.Text("outcome", OutcomeName(result.outcome));
  if (!result.reason.empty()) line.Text("reason", result.reason);
  if (result.error) {
    line.Text("kind", s3::KindName(result.error->kind));
    line.Text("message", result.error->message);
  }
  return std::move(line).WithChecksum();
}

std::string ManifestLine(const Input& input) {
  if (const auto* result = std::get_if<ObjectResult>(&input)) return ManifestLine(*result);
  return ManifestLine(*std::get<std::shared_ptr<const InputFile>>(input));
}

s3::Result<Input> ReadManifestLine(std::string_view text) try {
  if (!IsIntact(text)) return s3::Fail(s3::ErrorKind::kLocal, "damaged");
  const auto line = Json::parse(text);
  const auto& record = line.at("record").get_ref<const std::string&>();
  auto file = ReadFile(line);
  if (record == "file") return Input(std::move(file));
  if (record != "settled") return s3::Fail(s3::ErrorKind::kLocal, "not a line of a manifest");
  ObjectResult result;
  result.file = std::move(file);
  result.outcome = OutcomeOf(line.at("outcome").get_ref<const std::string&>());
  result.reason = line.value("reason", "");
  if (line.contains("kind")) {
    result.error = s3::Error{.kind = s3::KindOf(line.value("kind", "")).value_or(s3::ErrorKind::kLocal),
                             .message = line.value("message", "")};
  }
  return Input(std::move(result));
} catch (const std::exception& error) {
  return s3::Fail(s3::ErrorKind::kLocal, error.what());
}

s3::Result<bool> ReadManifest(const OwnDir& plan_dir, int shard, const std::function<bool(Input)>& take) {
  std::uint64_t damaged = 0;  // line number; 0: no line is damaged
  bool ended = false;
  const auto read = ReadLines(plan_dir, shard, [&](std::string_view line, std::uint64_t number) {
    auto input = ReadManifestLine(line);
    if (!input) damaged = number;
    ended = !input || !take(std::move(*input));
    return !ended;
  });
  if (!read) return tl::unexpected(read.error());
  if (damaged != 0) return tl::unexpected(Damaged(plan_dir.PathOf(ManifestName(shard)), damaged));
  return !ended;
}

s3::Result<void> CheckManifest(const OwnDir& plan_dir, int shard, std::uint64_t inputs) {
  std::uint64_t intact = 0, damaged = 0;
  auto read = ReadLines(plan_dir, shard, [&](std::string_view line, std::uint64_t number) {
    if (!IsIntact(line)) damaged = number;
    if (damaged == 0) ++intact;
    return damaged == 0;
  });
  if (!read) return read;
  const auto path = plan_dir.PathOf(ManifestName(shard));
  if (damaged != 0) return tl::unexpected(Damaged(path, damaged));
  if (intact == inputs) return {};
  return s3::Fail(
      s3::ErrorKind::kLocal,
      fmt::format("{}: this manifest has {} inputs instead of {}: make a new plan", path, intact, inputs));
}

Finder FinderOfManifest(OwnDir plan_dir, int shard) {
  return [plan_dir = std::move(plan_dir), shard](const Yield& yield) {
    RootCache root;
    const auto read = ReadManifest(plan_dir, shard, [&](Input input) {
      return yield(root.AddRoot(std::move(input))) != Backpressure::kStop;
    });
    if (!read) throw std::runtime_error(read.error().message);
    return *read;
  };
}

}  // namespace pipeline
