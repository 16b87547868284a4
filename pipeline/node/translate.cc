#include "pipeline/node/translate.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "pipeline/runtime/resource_limits.h"
#include "pipeline/source/open_file.h"
#include "s3/api/properties.h"
#include "s3/base/text.h"
#include "s3/hash/checksum.h"
#include "s3/stores/store_profiles.h"
#include "s3/uri.h"

namespace pipeline {
namespace {

constexpr std::string_view kMetadata = "x-amz-meta-";

// The headers that describe an object. Others, such as Authorization or x-amz-content-sha256, are the
// library's.
constexpr std::array<std::string_view, 17> kHeaders = {"cache-control",
                                                       "content-disposition",
                                                       "content-encoding",
                                                       "content-language",
                                                       "content-type",
                                                       "expires",
                                                       "if-none-match",
                                                       "x-amz-acl",
                                                       "x-amz-object-lock-legal-hold",
                                                       "x-amz-object-lock-mode",
                                                       "x-amz-object-lock-retain-until-date",
                                                       "x-amz-server-side-encryption",
                                                       "x-amz-server-side-encryption-aws-kms-key-id",
                                                       "x-amz-server-side-encryption-bucket-key-enabled",
                                                       "x-amz-storage-class",
                                                       "x-amz-tagging",
                                                       "x-amz-website-redirect-location"};

std::optional<std::string> HeaderProblem(std::string_view name, std::string_view value) {
  if (name.starts_with(kMetadata)) {
    if (auto problem = s3::MetadataNameProblem(name.substr(kMetadata.size()))) return problem;
  } else if (std::find(kHeaders.begin(), kHeaders.end(), name) == kHeaders.end()) {
    return "it does not describe an object (EMBEDDING.md lists the names)";
  }
  if (name == "if-none-match" && value != "*") return "its value must be \"*\"";
  return s3::HeaderValueProblem(value);
}

s3::Result<s3::ObjectProperties> PropertiesOf(const s3flow::Headers& headers) {
  s3::ObjectProperties properties;
  for (const auto& [given, value] : headers) {
    const auto name = s3::LowerCase(given);
    if (const auto problem = HeaderProblem(name, value)) {
      return s3::Fail(s3::ErrorKind::kUnsupported, fmt::format("header {}: {}", name, *problem));
    }
    properties.Set(name, value);
  }
  return properties;
}

s3::Addressing AddressingOf(s3flow::Addressing addressing) {
  switch (addressing) {
    case s3flow::Addressing::kPath: return s3::Addressing::kPath;
    case s3flow::Addressing::kVirtual: return s3::Addressing::kVirtual;
    case s3flow::Addressing::kAuto: break;
  }
  return s3::Addressing::kAuto;
}

s3::ChecksumAlgorithm AlgorithmOf(s3flow::Checksum checksum) {
  switch (checksum) {
    case s3flow::Checksum::kNone: return s3::ChecksumAlgorithm::kNone;
    case s3flow::Checksum::kMd5: return s3::ChecksumAlgorithm::kMd5;
    case s3flow::Checksum::kCrc32c: return s3::ChecksumAlgorithm::kCrc32c;
    case s3flow::Checksum::kCrc64Nvme: return s3::ChecksumAlgorithm::kCrc64Nvme;
    case s3flow::Checksum::kSha256: return s3::ChecksumAlgorithm::kSha256;
    case s3flow::Checksum::kAuto: break;
  }
  return s3::ChecksumAlgorithm::kAuto;
}

s3flow::Status StatusOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUploaded: return s3flow::Status::kUploaded;
    case Outcome::kSkipped: return s3flow::Status::kSkipped;
    case Outcome::kCancelled: return s3flow::Status::kCancelled;
    case Outcome::kSent:  // only parts of a plan are sent
    case Outcome::kFailed: break;
  }
  return s3flow::Status::kFailed;
}

// Sets size and mtime. The node has no walk, so the path itself may be a symbolic link.
s3::Result<void> DescribeFile(InputFile* file) {
  struct stat status;
  if (stat(file->path.c_str(), &status) != 0) {
    char text[128];
    auto failed = s3::Fail(s3::ErrorKind::kLocal,
                           fmt::format("{}: {}", file->path, strerror_r(errno, text, sizeof text)));
    failed.value().system_error = errno;
    return failed;
  }
  if (!S_ISREG(status.st_mode)) {
    return s3::Fail(s3::ErrorKind::kUnsupported, file->path + ": is not a regular file");
  }
  file->follow_symlink = true;
  file->size_bytes = static_cast<std::uint64_t>(status.st_size);
  file->mtime_ns = MtimeNs(status);
  return {};
}

s3::Result<void> Describe(InputFile* file, s3flow::Headers headers, EmbeddedInput* embedded) {
  if (auto problem = s3::KeyProblem(file->key)) {
    return s3::Fail(s3::ErrorKind::kUnsupported, std::move(*problem));
  }
  auto properties = PropertiesOf(headers);
  if (!properties) return tl::unexpected(std::move(properties.error()));
  embedded->properties = std::move(*properties);
  if (embedded->bytes) {
    file->size_bytes = embedded->bytes->size();
  } else if (file->path.empty()) {
    return s3::Fail(s3::ErrorKind::kUnsupported, "an upload needs a path or a buffer");
  }
  return {};
}

// The bounds are those of the same keys of a job file (config/schema.cc).
std::optional<std::string> NumberProblem(const s3flow::Options& options) {
  struct Bounds {
    const char* name;
    std::uint64_t value;  // a negative number becomes a very large one
    std::uint64_t min, max;
  };
  const auto bounds = [](const char* name, auto value, std::uint64_t min, std::uint64_t max) {
    return Bounds{name, static_cast<std::uint64_t>(value), min, max};
  };
  for (const auto& [name, value, min, max] :
       {bounds("max_attempts", options.max_attempts, 1, s3::RetryOptions::kMaxAttempts),
        bounds("concurrency", options.concurrency, 0, UploadOptions::kMaxConcurrency),
        bounds("threads", options.threads, 0, UploadOptions::kMaxThreads),
        bounds("event_loops", options.event_loops, 0, UploadOptions::kMaxEventLoops),
        bounds("memory_bytes", options.memory_bytes, UploadOptions::kMinMemory, INT64_MAX),
        bounds("multipart_threshold_bytes", options.multipart_threshold_bytes, 0,
               s3::StoreLimits().max_put_bytes),
        bounds("requests_per_second", options.requests_per_second, 0, LimitOptions::kMaxRequestsPerSecond)}) {
    if (value < min || value > max) return fmt::format("{}: must be {} to {}", name, min, max);
  }
  return std::nullopt;
}

std::optional<std::string> DurationProblem(const s3flow::Options& options) {
  using std::chrono::milliseconds;
  struct Bounds {
    const char* name;
    milliseconds value, min;
  };
  constexpr milliseconds kYear = std::chrono::days(365);
  for (const auto& [name, value, min] :
       {Bounds{"connect_timeout", options.connect_timeout, s3::TransportOptions::kMinConnectTimeout},
        Bounds{"stall_window", options.stall_window, s3::TransportOptions::kMinStallWindow},
        Bounds{"base_delay", options.base_delay, s3::RetryOptions::kMinDelay},
        Bounds{"max_delay", options.max_delay, s3::RetryOptions::kMinDelay},
        Bounds{"outage", options.outage, milliseconds(0)}, Bounds{"drain", options.drain, milliseconds(0)}}) {
    if (value < min) return fmt::format("{}: must be at least {} ms", name, min.count());
    if (value > kYear) return fmt::format("{}: must be at most a year", name);
  }
  if (options.max_delay < options.base_delay) return "max_delay: must not be smaller than base_delay";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> OptionsProblem(const s3flow::Options& options) {
  if (auto problem = s3::BucketNameProblem(options.bucket)) return "bucket: " + *problem;
  if (options.store_profile != "auto" && s3::FindStoreProfile(options.store_profile) == nullptr) {
    return fmt::format("store_profile: there is no profile \"{}\"", options.store_profile);
  }
  if (auto problem = NumberProblem(options)) return problem;
  if (auto problem = DurationProblem(options)) return problem;
  const auto store = StoreOptionsOf(options);
  const auto& limits = s3::ProfileOf(store.destination).limits;
  if (options.part_bytes < limits.min_part_bytes || options.part_bytes > limits.max_part_bytes) {
    return fmt::format("part_bytes: the store takes {} to {} bytes", limits.min_part_bytes,
                       limits.max_part_bytes);
  }
  if (options.part_bytes > options.memory_bytes / 2) {
    return "part_bytes: must be at most half of memory_bytes";
  }
  return s3::IntegrityProblem(store.integrity, s3::ProfileOf(store.destination));
}

s3::Options StoreOptionsOf(const s3flow::Options& options) {
  s3::Options store;
  auto& destination = store.destination;
  destination.bucket = options.bucket;
  destination.prefix = options.prefix;
  destination.endpoint = options.endpoint;
  destination.region = options.region;
  destination.profile = options.store_profile;
  destination.addressing = AddressingOf(options.addressing);
  if (const auto fixed = s3::RegionOf(destination)) destination.region = *fixed;
  store.credentials = {.access_key_id = options.credentials.access_key_id,
                       .secret_access_key = s3::Secret(options.credentials.secret_access_key),
                       .session_token = s3::Secret(options.credentials.session_token),
                       .profile = options.credentials.profile};
  store.retry = {
      .max_attempts = options.max_attempts, .base_delay = options.base_delay, .cap = options.max_delay};
  store.transport.connect_timeout = options.connect_timeout;
  store.transport.stall_window = options.stall_window;
  store.transport.tls.ca_file = options.ca_file;
  store.integrity.checksum = AlgorithmOf(options.checksum);
  store.integrity.verify_head = options.verify;
  return store;
}

Options RunOptionsOf(const s3flow::Options& options) {
  Options run;
  run.upload.concurrency = options.concurrency;
  constexpr int kDefaultThreads = 2;
  run.upload.threads = options.threads > 0 ? options.threads : std::min(kDefaultThreads, CoresOf({}));
  run.upload.event_loops = options.event_loops;
  run.upload.memory_bytes = options.memory_bytes;
  run.upload.plan.part_bytes = options.part_bytes;
  run.upload.plan.multipart_threshold_bytes = options.multipart_threshold_bytes;
  run.upload.store_limits = s3::ProfileOf(StoreOptionsOf(options).destination).limits;
  run.report.progress = ProgressStyle::kNone;
  run.report.log = LogLevel::kQuiet;
  run.report.run_dir = options.run_dir;
  run.resume.finished_too = true;
  run.limits.bandwidth_bytes = options.bandwidth_bytes_per_second;
  run.limits.outage = options.outage;
  run.limits.drain = options.drain;
  run.identity.settings =
      fmt::format("s3flow::Uploader: bucket {}, prefix {}\n", options.bucket, options.prefix);
  return run;
}

Submission SubmissionOf(s3flow::Upload upload, const std::string& prefix) {
  auto embedded = std::make_shared<EmbeddedInput>();
  auto file = std::make_shared<InputFile>();
  embedded->tag = upload.tag;
  file->key = prefix + upload.key;
  file->relative_at = prefix.size();
  file->path = upload.buffer ? upload.key : std::move(upload.path);
  if (upload.buffer) {
    const auto& bytes = upload.buffer->bytes;
    embedded->bytes.emplace(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    embedded->owner = std::move(upload.buffer->owner);
  }
  const auto described = Describe(file.get(), std::move(upload.headers), embedded.get());
  file->embedded = std::move(embedded);
  Submission submission{std::move(file)};
  if (!described) submission.error = std::make_unique<const s3::Error>(described.error());
  return submission;
}

Input InputOf(Submission submission) {
  auto& file = submission.file;
  std::optional<s3::Error> error;
  if (submission.error) {
    error = *submission.error;
  } else if (!file->is_buffer()) {
    if (auto described = DescribeFile(file.get()); !described) error = std::move(described.error());
  }
  if (!error) return std::shared_ptr<const InputFile>(std::move(file));
  ObjectResult result;
  result.size_bytes = file->size_bytes;
  result.file = std::move(file);
  result.error = std::move(error);
  return result;
}

s3flow::Error PublicError(const s3::Error& error) {
  return {.kind = std::string(s3::KindName(error.kind)),
          .message = error.message,
          .http_status = error.http_status,
          .code = error.code,
          .request_id = error.request_id};
}

s3flow::UploadResult PublicResult(const ObjectResult& result, const std::string& stop_reason) {
  s3flow::UploadResult translated;
  translated.status = StatusOf(result.outcome);
  translated.tag = result.file->embedded->tag;
  translated.key = result.file->key;
  translated.bytes = result.size_bytes;
  translated.etag = result.etag;
  translated.version_id = result.version_id;
  translated.sha256 = result.sha256;
  translated.checksum = result.checksum;
  if (!result.checksum.empty()) {
    const bool is_md5 = result.algorithm == s3::ChecksumAlgorithm::kMd5;
    translated.checksum_algorithm = is_md5 ? "MD5" : s3::ChecksumName(result.algorithm);
  }
  translated.parts = result.parts;
  translated.reused_parts = result.reused_parts;
  translated.attempts = result.attempts;
  translated.seconds = result.seconds;
  translated.reason = result.reason;
  if (!result.error) return translated;
  translated.error = PublicError(*result.error);
  if (result.outcome == Outcome::kCancelled && !stop_reason.empty()) {
    translated.error->message += ": " + stop_reason;
  }
  return translated;
}

s3flow::UploadResult ShortResult(const ObjectResult& result) noexcept {
  s3flow::UploadResult translated;
  translated.status = StatusOf(result.outcome);
  translated.tag = result.file->embedded->tag;
  translated.bytes = result.size_bytes;
  translated.parts = result.parts;
  translated.reused_parts = result.reused_parts;
  translated.attempts = result.attempts;
  translated.seconds = result.seconds;
  if (result.error) {
    translated.error.emplace();
    translated.error->kind = "local";
    translated.error->message = kNoMemory;
    translated.error->http_status = result.error->http_status;
  }
  try {
    translated.key = result.file->key;
  } catch (const std::bad_alloc&) {  // the tag still says which input it is
  }
  return translated;
}

}  // namespace pipeline
