#include "pipeline/journal/record.h"

#include <nlohmann/json.hpp>

#include "pipeline/journal/checksummed_line.h"
#include "s3/hash/checksum.h"

namespace pipeline {
namespace {

const char* ChecksumField(s3::ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case s3::ChecksumAlgorithm::kMd5: return "md5_base64";
    case s3::ChecksumAlgorithm::kCrc32c: return "crc32c_base64";
    case s3::ChecksumAlgorithm::kCrc64Nvme: return "crc64nvme_base64";
    default: return "sha256_base64";
  }
}

// Returns true if the SHA-256 checksum is the only SHA-256 of the object's bytes, which lists show.
bool IsOnlySha256(const ObjectResult& result) {
  return result.algorithm == s3::ChecksumAlgorithm::kSha256 && result.sha256.empty() && result.parts == 0;
}

}  // namespace

std::string RunLine(const RunRecord& record) {
  ChecksummedLine line("run");
  line.Literal("session", record.session);
  line.Text("version", S3FLOW_VERSION);
  line.Text("job_file", record.job_file);
  if (!record.directory.empty()) line.Text("directory", record.directory);
  line.Json("overrides", record.overrides);
  line.Text("kind", RunKindName(record.scope.kind));
  line.Json("stores", record.scope.stores);
  line.Text("bucket", record.scope.bucket);
  line.Text("objects", record.scope.objects);
  if (!record.shard.empty()) line.Text("shard", record.shard);
  if (!record.scheduler.empty()) line.Json("scheduler", record.scheduler);
  line.Text("settings", record.settings);
  return std::move(line).WithChecksum();
}

std::string CreatingLine(std::string_view token, const InputFile& file, std::int64_t time_s) {
  ChecksummedLine line("creating");
  line.Text("token", token);
  line.Bytes("key", file.key);
  line.Literal("time", time_s);
  return std::move(line).WithChecksum();
}

std::string UploadLine(const UploadRecord& record) {
  ChecksummedLine line("upload");
  line.Text("token", record.token);
  line.Bytes("path", record.path);
  line.Bytes("key", record.key);
  line.Text("upload_id", record.upload_id);
  line.Literal("size", record.size_bytes);
  line.Literal("part_size", record.part_bytes);
  line.Literal("mtime_ns", record.mtime_ns);
  line.Literal("created_once", record.created_once);
  return std::move(line).WithChecksum();
}

std::string PartLine(const PartRecord& record) {
  ChecksummedLine line("part");
  line.Text("token", record.token);
  line.Literal("part", record.number);
  line.Literal("size", record.bytes);
  line.Text("etag", record.etag);
  line.Text("digest", record.digest);
  if (!record.checksum.empty()) line.Text("checksum", record.checksum);
  return std::move(line).WithChecksum();
}

std::string CompletingLine(std::string_view token) {
  ChecksummedLine line("completing");
  line.Text("token", token);
  return std::move(line).WithChecksum();
}

std::string GoneLine(std::string_view token) {
  ChecksummedLine line("gone");
  line.Text("token", token);
  return std::move(line).WithChecksum();
}

std::string EndLine(const EndRecord& record) {
  ChecksummedLine line("end");
  line.Literal("exit_status", record.status);
  line.Literal("complete", record.complete);
  return std::move(line).WithChecksum();
}

std::string ResultLine(const ObjectResult& result, JournalDetail detail) {
  const bool is_stored = result.outcome == Outcome::kUploaded || result.outcome == Outcome::kSent;
  const bool is_success = is_stored || result.outcome == Outcome::kSkipped;
  const bool is_compact = detail == JournalDetail::kCompact && is_success && !result.error;
  ChecksummedLine line("result");
  line.Text("outcome", OutcomeName(result.outcome));
  line.Bytes("path", result.file->path);
  line.Bytes("key", result.file->key);
  line.Literal("size", result.size_bytes);
  if (result.mtime_ns != 0) line.Literal("mtime_ns", result.mtime_ns);
  if (!result.etag.empty()) line.Text("etag", result.etag);
  if (!result.sha256.empty()) line.Text("sha256", result.sha256);
  const bool has_checksum = !result.checksum.empty() && (!is_compact || IsOnlySha256(result));
  if (has_checksum) line.Text(ChecksumField(result.algorithm), result.checksum);
  if (const auto& range = result.file->range) {
    line.Literal("first_part", range->first);
    line.Literal("last_part", range->last);
  }
  if (result.parts > 0) line.Literal("parts", result.parts);
  if (result.reused_parts > 0) line.Literal("reused_parts", result.reused_parts);
  if (result.file->is_stream) line.Literal("stream", "true");
  if (!result.version_id.empty()) line.Text("version_id", result.version_id);
  if (!is_compact || result.attempts != 1) line.Literal("attempts", result.attempts);
  if (is_compact) {
    line.Literal("seconds", fmt::format("{:.3g}", result.seconds.count()));
  } else {
    line.Literal("seconds", result.seconds.count());
  }
  if (!result.reason.empty()) line.Text("reason", result.reason);
  if (!result.error) {
    if (!is_compact && !result.request_id.empty()) line.Text("request_id", result.request_id);
    return std::move(line).WithChecksum();
  }
  const auto& error = *result.error;
  line.Text("kind", s3::KindName(error.kind));
  if (result.hides_inputs) line.Literal("hides_inputs", "true");
  if (error.http_status != 0) line.Literal("http_status", error.http_status);
  if (!error.code.empty()) line.Text("code", error.code);
  line.Text("message", error.message);
  const auto& request_id = error.request_id.empty() ? result.request_id : error.request_id;
  if (!request_id.empty()) line.Text("request_id", request_id);
  return std::move(line).WithChecksum();
}

}  // namespace pipeline
