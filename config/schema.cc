#include "config/schema.h"

#include <chrono>
#include <string>
#include <vector>

#include "config/builders.h"
#include "config/object_fields.h"
#include "config/special_fields.h"
#include "s3/uri.h"

namespace config {
namespace {

using namespace std::chrono_literals;

std::vector<Field> DestinationFields(s3::DestinationOptions* options, s3::TransportOptions* transport) {
  using s3::Addressing;
  return {Text("bucket", &options->bucket, s3::BucketNameProblem, kBucketPattern),
          Text("prefix", &options->prefix, CheckPrefix, kKeyPartPattern),
          Text("endpoint", &options->endpoint, CheckEndpoint, kEndpointPattern),
          Text("region", &options->region, CheckRegion, kRegionPattern),
          StoreProfileName("profile", &options->profile),
          Choice("addressing", &options->addressing,
                 Names<Addressing>{{"auto", Addressing::kAuto},
                                   {"path", Addressing::kPath},
                                   {"virtual", Addressing::kVirtual}}),
          Texts("endpoints", &options->endpoints, CheckEndpoint, kEndpointPattern),
          Bool("dualstack", &options->dualstack),
          Bool("fips", &options->fips),
          Bool("accelerate", &options->accelerate),
          Text("ca_file", &transport->tls.ca_file),
          Text("ca_directory", &transport->tls.ca_directory),
          Text("client_certificate", &transport->tls.client_certificate),
          Text("client_key", &transport->tls.client_key),
          Proxy("proxy", &transport->proxy),
          Text("no_proxy", &transport->proxy.no_proxy)};
}

std::vector<Field> CredentialFields(s3::CredentialOptions* options) {
  return {Text("access_key_id", &options->access_key_id, CheckKeyId, kKeyIdPattern),
          SecretText("secret_access_key", &options->secret_access_key),
          SecretText("session_token", &options->session_token), Text("profile", &options->profile)};
}

std::vector<Field> UploadFields(pipeline::UploadOptions* options, s3::TransportOptions* transport) {
  using s3::TransportKind;
  constexpr s3::StoreLimits kLimits;
  return {AutoOrInteger("concurrency", &options->concurrency, pipeline::UploadOptions::kAuto, 1,
                        pipeline::UploadOptions::kMaxConcurrency),
          Integer("threads", &options->threads, 0, pipeline::UploadOptions::kMaxThreads),
          Integer("event_loops", &options->event_loops, 0, pipeline::UploadOptions::kMaxEventLoops),
          Choice("transport", &transport->kind,
                 Names<TransportKind>{{"auto", TransportKind::kAuto},
                                      {"libcurl", TransportKind::kLibcurl},
                                      {"direct", TransportKind::kDirect}}),
          Size("part_size", &options->plan.part_bytes, kLimits.min_part_bytes, kLimits.max_part_bytes),
          Size("multipart_threshold", &options->plan.multipart_threshold_bytes, 0, kLimits.max_put_bytes)};
}

std::vector<Field> RetryFields(s3::RetryOptions* options) {
  return {Integer("max_attempts", &options->max_attempts, 1, s3::RetryOptions::kMaxAttempts),
          Duration("base_delay", &options->base_delay, s3::RetryOptions::kMinDelay),
          Duration("cap", &options->cap, s3::RetryOptions::kMinDelay)};
}

std::vector<Field> IntegrityFields(s3::IntegrityOptions* options, int* changed_file_retries) {
  using s3::ChecksumAlgorithm;
  using s3::PayloadMode;
  return {Choice("payload", &options->payload,
                 Names<PayloadMode>{{"sha256", PayloadMode::kSha256},
                                    {"unsigned", PayloadMode::kUnsigned},
                                    {"streaming", PayloadMode::kStreaming}}),
          Choice("checksum", &options->checksum,
                 Names<ChecksumAlgorithm>{{"auto", ChecksumAlgorithm::kAuto},
                                          {"none", ChecksumAlgorithm::kNone},
                                          {"md5", ChecksumAlgorithm::kMd5},
                                          {"crc32c", ChecksumAlgorithm::kCrc32c},
                                          {"crc64nvme", ChecksumAlgorithm::kCrc64Nvme},
                                          {"sha256", ChecksumAlgorithm::kSha256}}),
          Choice("checksum_as", &options->trailer, Names<bool>{{"header", false}, {"trailer", true}}),
          Choice("verify", &options->verify_head, Names<bool>{{"none", false}, {"head", true}}),
          Integer("changed_file_retries", changed_file_retries, 0, 1000)};
}

std::vector<Field> LimitFields(pipeline::LimitOptions* options, s3::TransportOptions* transport,
                               std::uint64_t* memory_bytes) {
  return {Size("memory", memory_bytes, pipeline::UploadOptions::kMinMemory),
          Duration("connect_timeout", &transport->connect_timeout, s3::TransportOptions::kMinConnectTimeout),
          Duration("stall_window", &transport->stall_window, s3::TransportOptions::kMinStallWindow),
          Size("stall_bytes", &transport->stall_bytes),
          Duration("completion_window", &transport->completion_window, 100ms),
          Duration("response_timeout", &transport->response_timeout, 1'000ms),
          Size("bandwidth", &options->bandwidth_bytes),
          Integer("requests_per_second", &options->requests_per_second, 0,
                  pipeline::LimitOptions::kMaxRequestsPerSecond),
          Duration("outage", &options->outage, 0ms),
          Duration("time", &options->time, 0ms),
          Duration("margin", &options->margin, 0ms),
          Duration("drain", &options->drain, 0ms),
          OnFailure("on_failure", &options->failures)};
}

std::vector<Field> ResumeFields(pipeline::ResumeOptions* options) {
  using pipeline::SkipMode;
  return {Choice("skip", &options->skip,
                 Names<SkipMode>{{"never", SkipMode::kNever},
                                 {"journal", SkipMode::kJournal},
                                 {"size_mtime", SkipMode::kSizeMtime},
                                 {"checksum", SkipMode::kChecksum},
                                 {"if_none_match", SkipMode::kIfNoneMatch}})};
}

std::vector<Field> ReportFields(pipeline::ReportOptions* options) {
  using pipeline::JournalDetail;
  using pipeline::LogFormat;
  using pipeline::LogLevel;
  using pipeline::ProgressStyle;
  return {Text("run_dir", &options->run_dir),
          Choice("progress", &options->progress,
                 Names<ProgressStyle>{{"auto", ProgressStyle::kAuto},
                                      {"bar", ProgressStyle::kBar},
                                      {"lines", ProgressStyle::kLines},
                                      {"json", ProgressStyle::kJson},
                                      {"none", ProgressStyle::kNone}}),
          Duration("progress_interval", &options->progress_interval, 100ms),
          Choice("log", &options->log,
                 Names<LogLevel>{{"quiet", LogLevel::kQuiet},
                                 {"failures", LogLevel::kFailures},
                                 {"objects", LogLevel::kObjects}}),
          Text("log_file", &options->log_file),
          Choice("log_format", &options->log_format,
                 Names<LogFormat>{{"text", LogFormat::kText}, {"json", LogFormat::kJson}}),
          Text("trace_http", &options->trace_http),
          Choice("journal", &options->journal,
                 Names<JournalDetail>{{"full", JournalDetail::kFull}, {"compact", JournalDetail::kCompact}}),
          Prices("prices", &options->prices),
          Texts("on_end", &options->on_end),
          Duration("on_end_timeout", &options->on_end_timeout, 1'000ms)};
}

}  // namespace

std::vector<Section> JobSections(s3::Options* s3_options, pipeline::Options* options) {
  auto* const transport = &s3_options->transport;
  auto* const upload = &options->upload;
  return {{"destination", DestinationFields(&s3_options->destination, transport)},
          {"credentials", CredentialFields(&s3_options->credentials)},
          {"upload", UploadFields(upload, transport)},
          {"retry", RetryFields(&s3_options->retry)},
          {"integrity", IntegrityFields(&s3_options->integrity, &upload->changed_file_retries)},
          {"object", ObjectFields(&options->object)},
          {"limits", LimitFields(&options->limits, transport, &upload->memory_bytes)},
          {"resume", ResumeFields(&options->resume)},
          {"report", ReportFields(&options->report)}};
}

std::vector<Field> SourceFields(pipeline::SourceRoot* root) {
  using pipeline::ChangeCheck;
  using pipeline::PageCache;
  return {Text("path", &root->path, NotEmpty, kAnyButEmpty),
          Text("prefix", &root->prefix, CheckPrefix, kKeyPartPattern),
          Texts("include", &root->include),
          Texts("exclude", &root->exclude),
          Texts("include_from", &root->include_from),
          Texts("exclude_from", &root->exclude_from),
          MaybeSize("min_size", &root->min_size_bytes),
          MaybeSize("max_size", &root->max_size_bytes),
          Mtime("newer_than", &root->newer_than),
          Mtime("older_than", &root->older_than),
          Bool("exclude_caches", &root->exclude_caches),
          Text("files_from", &root->files_from),
          Text("files_from0", &root->files_from0),
          Bool("follow_symlinks", &root->follow_symlinks),
          Integer("threads", &root->threads, 1, 256),
          Choice("page_cache", &root->reading.page_cache,
                 Names<PageCache>{
                     {"keep", PageCache::kKeep}, {"drop", PageCache::kDrop}, {"bypass", PageCache::kBypass}}),
          Bool("keep_atime", &root->reading.keep_atime),
          Choice("change_check", &root->reading.change_check,
                 Names<ChangeCheck>{{"content", ChangeCheck::kContent},
                                    {"times", ChangeCheck::kTimes},
                                    {"none", ChangeCheck::kNone}}),
          Bool("allow_empty", &root->allow_empty),
          Bool("stream", &root->stream),
          Text("key", &root->key, CheckPrefix, kKeyPartPattern),
          MaybeSize("size", &root->size_bytes)};
}

std::vector<Field> FaultFields(s3::endpoint::FaultRule* rule) {
  using s3::endpoint::FaultAction;
  return {Text("operation", &rule->operation, NotEmpty, kAnyButEmpty),
          Text("key", &rule->key, NotEmpty, kAnyButEmpty),
          Attempts("attempts", rule),
          Integer("every", &rule->every, 1, 1'000'000),
          Choice("action", &rule->action,
                 Names<FaultAction>{{"status", FaultAction::kStatus},
                                    {"reset", FaultAction::kResetBefore},
                                    {"reset_in_body", FaultAction::kResetInBody},
                                    {"no_answer", FaultAction::kNoResponse},
                                    {"lost_answer", FaultAction::kLostResponse},
                                    {"delay", FaultAction::kDelay},
                                    {"wrong_etag", FaultAction::kWrongEtag},
                                    {"error_in_200", FaultAction::kErrorIn200},
                                    {"cut_body", FaultAction::kCutBody},
                                    {"flip_bit", FaultAction::kFlipBit}}),
          Bool("applied", &rule->applied),
          Integer("status", &rule->status, 300, 599),
          Text("code", &rule->code, NotEmpty, kAnyButEmpty),
          Integer("retry_after_s", &rule->retry_after_s, 0, 3600),
          Size("after_bytes", &rule->after_bytes),
          Duration("delay", &rule->delay, 0ms)};
}

}  // namespace config
