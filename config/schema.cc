#include "config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "config/builders.h"
#include "config/object_fields.h"
#include "s3/api/properties.h"
#include "s3/stores/store_profiles.h"
#include "s3/uri.h"

namespace config {
namespace {

MaybeProblem CheckEndpoint(const std::string& text) {
  if (text.empty()) return std::nullopt;  // AWS
  const auto parsed = s3::ParseEndpoint(text);
  return parsed ? MaybeProblem() : parsed.error().message;
}

MaybeProblem CheckRegion(const std::string& text) {
  const bool fine = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return fine && !text.empty() ? MaybeProblem()
                               : fmt::format("'{}' is no region: letters, digits and '-'", text);
}

MaybeProblem CheckPrefix(const std::string& text) {
  return text.size() > 1024 ? MaybeProblem("is longer than any key, which has at most 1024 bytes")
                            : std::nullopt;
}

// Header values and query parameters are made of it.
MaybeProblem CheckKeyId(const std::string& text) {
  // A line end behind it is taken off with a warning, like that of any other source
  // (s3/credentials/providers/checked.h).
  const auto id = std::string_view(text).substr(0, text.find_last_not_of("\r\n") + 1);
  const bool fine = std::all_of(id.begin(), id.end(),
                                [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '/' && c != ','; });
  return fine ? MaybeProblem() : "has a character that no access key ID has";
}

// Whether a URL, or what of it is not a variable, has a password; a user alone may be a token.
bool HasPassword(std::string_view url) {
  const auto at = url.rfind('@');
  if (at == std::string_view::npos) return false;
  auto user = url.substr(0, at);
  if (const auto scheme = user.find("://"); scheme != std::string_view::npos) user.remove_prefix(scheme + 3);
  const auto colon = user.find(':');
  return !user.substr(colon == std::string_view::npos ? 0 : colon + 1).empty();
}

// "auto" (the environment's), "none", or a URL, of which the user and password are not shown.
Field Proxy(std::string name, s3::ProxyOptions* proxy) {
  return {.name = std::move(name),
          .type = "auto, none or a URL",
          .set =
              [proxy](const std::string& text) {
                proxy->from_environment = text == "auto";
                proxy->url = s3::Secret(text == "auto" || text == "none" ? "" : text);
                if (proxy->url.empty()) {
                  return text.empty() ? MaybeProblem("must be auto, none or a URL") : std::nullopt;
                }
                if (s3::HeaderValueProblem(text)) return MaybeProblem("has a character that no URL has");
                const auto scheme = text.find("://");
                const auto rest = scheme == std::string::npos ? "" : text.substr(scheme + 3);
                const auto kind = text.substr(0, std::min(scheme, text.size()));
                const bool known = kind == "http" || kind == "https" || kind == "socks5" || kind == "socks5h";
                const auto host = rest.substr(rest.rfind('@') + 1);
                if (!known)
                  return MaybeProblem("must be auto, none or http://, https:// or socks5://HOST:PORT");
                // What is wrong is not quoted: without an '@' a password looks like a port.
                return s3::ParseEndpoint("http://" + host)
                           ? std::nullopt
                           : MaybeProblem(
                                 "has no valid host and port: write SCHEME://HOST:PORT, or "
                                 "SCHEME://USER:PASSWORD@HOST:PORT");
              },
          .show = [proxy]() -> std::string {
            const auto url = proxy->url.Reveal();
            if (url.empty()) return proxy->from_environment ? "auto" : "none";
            return YamlScalar(s3::WithoutUser(url));
          },
          .holds_secret = HasPassword};
}

Field StoreProfileName(std::string* target) {
  Names<std::string> names{{"auto", "auto"}};
  for (const auto& profile : s3::StoreProfiles()) names.emplace_back(profile.name, profile.name);
  return Choice("profile", target, std::move(names));
}

// "continue", "stop", "stop_after: 10" or "stop_above: 5%", as text or as a mapping.
MaybeProblem ReadOnFailure(std::string word, std::string value, pipeline::FailureLimit* limit) {
  const auto trim = [](std::string text) {
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    return text;
  };
  if (const auto colon = word.find(':'); colon != std::string::npos) {
    value = word.substr(colon + 1);
    word.erase(colon);
  }
  value = trim(value);
  const bool percent = value.ends_with('%');
  double number = 0;
  const auto* end = value.data() + value.size() - (percent ? 1 : 0);
  const auto [rest, error] = std::from_chars(value.data(), end, number);
  const bool is_number = error == std::errc() && rest == end;
  if (word == "continue" && value.empty()) return *limit = {}, std::nullopt;
  if (word == "stop" && value.empty()) return *limit = {.count = 1}, std::nullopt;
  if (word == "stop_after" && is_number && !percent && number >= 1 && number == std::floor(number) &&
      number < 1e15) {
    return *limit = {.count = static_cast<std::uint64_t>(number)}, std::nullopt;
  }
  if (word == "stop_above" && is_number && percent && number >= 0 && number <= 100) {
    return *limit = {.share = number / 100}, std::nullopt;
  }
  return "must be continue, stop, 'stop_after: N' or 'stop_above: P%'";
}

// {put: 0.005, get: 0.0004, gib_month: 0.023}
Field Prices(pipeline::RequestPrices* prices) {
  using Target = std::pair<const char*, double pipeline::RequestPrices::*>;
  static constexpr Target kTargets[] = {{"put", &pipeline::RequestPrices::put_per_1000},
                                        {"get", &pipeline::RequestPrices::get_per_1000},
                                        {"gib_month", &pipeline::RequestPrices::gib_month}};
  const auto number = [](const std::string& text) -> std::optional<double> {
    double value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && rest == text.data() + text.size();
    return whole && value >= 0 && value < 1e9 ? std::optional(value) : std::nullopt;
  };
  return Mapping(
      "prices",
      [prices, number](const Pairs& pairs) {
        for (const auto& [name, text] : pairs) {
          for (const auto& [key, member] : kTargets) {
            if (name == key) prices->*member = number(text).value_or(0);
          }
        }
      },
      [number](const std::string& key, const std::string& value) -> MaybeProblem {
        if (key != "put" && key != "get" && key != "gib_month") return "prices are put, get and gib_month";
        return number(value) ? MaybeProblem() : fmt::format("'{}' is no price", value);
      },
      [prices] {
        Pairs pairs;
        for (const auto& [key, member] : kTargets) {
          if (prices->*member > 0) pairs.emplace_back(key, fmt::format("{}", prices->*member));
        }
        return pairs;
      });
}

Field OnFailure(pipeline::FailureLimit* limit) {
  return {.name = "on_failure",
          .type = "continue, stop, \"stop_after: N\" or \"stop_above: P%\"",
          .read =
              [limit](const Value& value, const std::string& name, std::vector<Problem>* problems) {
                const bool mapping = value.kind == Value::Kind::kMapping && value.entries.size() == 1;
                auto problem = mapping
                                   ? ReadOnFailure(value.entries[0].key, value.entries[0].value.text, limit)
                                   : ReadOnFailure(value.text, "", limit);
                if (problem) problems->push_back({value.where, fmt::format("{}: {}", name, *problem)});
              },
          .show = [limit]() -> std::string {
            if (limit->count == 1) return "stop";
            if (limit->count != UINT64_MAX) return fmt::format("'stop_after: {}'", limit->count);
            return limit->share < 1 ? fmt::format("'stop_above: {}%'", limit->share * 100) : "continue";
          }};
}

// "1", "2-4", "3-" (from the third on), "all"
MaybeProblem ReadAttempts(const std::string& text, s3::endpoint::FaultRule* rule) {
  constexpr int kMax = 1'000'000;
  const auto dash = text.find('-');
  const auto first = ParseInteger(text == "all" ? "1" : text.substr(0, dash), 1, kMax);
  const auto last = text == "all" || (dash != std::string::npos && dash + 1 == text.size())
                        ? Parsed<std::int64_t>(kMax)
                        : ParseInteger(dash == std::string::npos ? text : text.substr(dash + 1), 1, kMax);
  if (!first || !last || *first > *last)
    return fmt::format("'{}' is not attempts: write 1, 2-4, 3- or all", text);
  rule->first_attempt = static_cast<int>(*first);
  rule->last_attempt = static_cast<int>(*last);
  return std::nullopt;
}

}  // namespace

std::vector<Section> JobSections(s3::Options* s3_options, pipeline::Options* options) {
  using namespace std::chrono_literals;
  using pipeline::LogLevel;
  using pipeline::ProgressStyle;
  using pipeline::SkipMode;
  using s3::Addressing;
  using s3::ChecksumAlgorithm;
  using s3::PayloadMode;
  constexpr s3::StoreLimits kLimits;
  auto& destination = s3_options->destination;
  auto& credentials = s3_options->credentials;
  auto& retry = s3_options->retry;
  auto& transport = s3_options->transport;
  return {
      {"destination",
       {Text("bucket", &destination.bucket, s3::BucketNameProblem),
        Text("prefix", &destination.prefix, CheckPrefix),
        Text("endpoint", &destination.endpoint, CheckEndpoint),
        Text("region", &destination.region, CheckRegion), StoreProfileName(&destination.profile),
        Choice(
            "addressing", &destination.addressing,
            Names<Addressing>{
                {"auto", Addressing::kAuto}, {"path", Addressing::kPath}, {"virtual", Addressing::kVirtual}}),
        Texts("endpoints", &destination.endpoints, CheckEndpoint), Bool("dualstack", &destination.dualstack),
        Bool("fips", &destination.fips), Bool("accelerate", &destination.accelerate),
        Text("ca_file", &transport.tls.ca_file), Text("ca_directory", &transport.tls.ca_directory),
        Text("client_certificate", &transport.tls.client_certificate),
        Text("client_key", &transport.tls.client_key), Proxy("proxy", &transport.proxy),
        Text("no_proxy", &transport.proxy.no_proxy)}},
      {"credentials",
       {Text("access_key_id", &credentials.access_key_id, CheckKeyId),
        SecretText("secret_access_key", &credentials.secret_access_key),
        SecretText("session_token", &credentials.session_token), Text("profile", &credentials.profile)}},
      {"upload",
       {AutoOrInteger("concurrency", &options->upload.concurrency, pipeline::UploadOptions::kAuto, 1, 4096),
        Integer("threads", &options->upload.threads, 0, 256),
        Integer("event_loops", &options->upload.event_loops, 0, 64),
        Size("part_size", &options->upload.plan.part_bytes, kLimits.min_part_bytes, kLimits.max_part_bytes),
        Size("multipart_threshold", &options->upload.plan.multipart_threshold_bytes, 0,
             kLimits.max_put_bytes)}},
      {"retry",
       {Integer("max_attempts", &retry.max_attempts, 1, 1000), Duration("base_delay", &retry.base_delay, 1ms),
        Duration("cap", &retry.cap, 1ms)}},
      {"integrity",
       {Choice("payload", &s3_options->integrity.payload,
               Names<PayloadMode>{{"sha256", PayloadMode::kSha256},
                                  {"unsigned", PayloadMode::kUnsigned},
                                  {"streaming", PayloadMode::kStreaming}}),
        Choice("checksum", &s3_options->integrity.checksum,
               Names<ChecksumAlgorithm>{{"auto", ChecksumAlgorithm::kAuto},
                                        {"none", ChecksumAlgorithm::kNone},
                                        {"md5", ChecksumAlgorithm::kMd5},
                                        {"crc32c", ChecksumAlgorithm::kCrc32c},
                                        {"crc64nvme", ChecksumAlgorithm::kCrc64Nvme},
                                        {"sha256", ChecksumAlgorithm::kSha256}}),
        Choice("checksum_as", &s3_options->integrity.trailer,
               Names<bool>{{"header", false}, {"trailer", true}}),
        Choice("verify", &s3_options->integrity.verify_head, Names<bool>{{"none", false}, {"head", true}}),
        Integer("changed_file_retries", &options->upload.changed_file_retries, 0, 1000)}},
      {"object", ObjectFields(&options->object)},
      {"limits",
       {Size("memory", &options->upload.memory_bytes, 8 << 20),
        Duration("connect_timeout", &transport.connect_timeout, 10ms),
        Duration("stall_window", &transport.stall_window, 100ms), Size("stall_bytes", &transport.stall_bytes),
        Duration("completion_window", &transport.completion_window, 100ms),
        Duration("response_timeout", &transport.response_timeout, 1'000ms),
        Size("bandwidth", &options->limits.bandwidth_bytes),
        Integer("requests_per_second", &options->limits.requests_per_second, 0, 1'000'000),
        Duration("outage", &options->limits.outage, 0ms), Duration("time", &options->limits.time, 0ms),
        Duration("margin", &options->limits.margin, 0ms), Duration("drain", &options->limits.drain, 0ms),
        OnFailure(&options->limits.failures)}},
      {"resume",
       {Choice("skip", &options->resume.skip,
               Names<pipeline::SkipMode>{{"never", SkipMode::kNever},
                                         {"journal", SkipMode::kJournal},
                                         {"size_mtime", SkipMode::kSizeMtime},
                                         {"checksum", SkipMode::kChecksum},
                                         {"if_none_match", SkipMode::kIfNoneMatch}})}},
      {"report",
       {Text("run_dir", &options->report.run_dir),
        Choice("progress", &options->report.progress,
               Names<ProgressStyle>{{"auto", ProgressStyle::kAuto},
                                    {"bar", ProgressStyle::kBar},
                                    {"lines", ProgressStyle::kLines},
                                    {"none", ProgressStyle::kNone}}),
        Choice("log", &options->report.log,
               Names<LogLevel>{{"failures", LogLevel::kFailures}, {"objects", LogLevel::kObjects}}),
        Text("trace_http", &options->report.trace_http), Prices(&options->report.prices)}},
  };
}

std::vector<Field> SourceFields(pipeline::SourceRoot* root) {
  using pipeline::ChangeCheck;
  using pipeline::PageCache;
  return {Text("path", &root->path, NotEmpty),
          Text("prefix", &root->prefix, CheckPrefix),
          Texts("include", &root->include),
          Texts("exclude", &root->exclude),
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
          Text("key", &root->key, CheckPrefix),
          MaybeSize("size", &root->size_bytes)};
}

std::vector<Field> FaultFields(s3::endpoint::FaultRule* rule) {
  using namespace std::chrono_literals;
  using s3::endpoint::FaultAction;
  return {Text("operation", &rule->operation, NotEmpty),
          Text("key", &rule->key, NotEmpty),
          {"attempts",
           "1, 2-4, 3- or all",
           [rule](const std::string& text) { return ReadAttempts(text, rule); },
           {},
           {},
           [rule] { return fmt::format("{}-{}", rule->first_attempt, rule->last_attempt); }},
          Integer("every", &rule->every, 1, 1'000'000),
          Choice("action", &rule->action,
                 Names<FaultAction>{{"status", FaultAction::kStatus},
                                    {"reset", FaultAction::kResetBefore},
                                    {"reset_in_body", FaultAction::kResetInBody},
                                    {"no_answer", FaultAction::kNoAnswer},
                                    {"lost_answer", FaultAction::kLostAnswer},
                                    {"delay", FaultAction::kDelay},
                                    {"wrong_etag", FaultAction::kWrongEtag},
                                    {"error_in_200", FaultAction::kErrorIn200},
                                    {"cut_body", FaultAction::kCutBody},
                                    {"flip_bit", FaultAction::kFlipBit}}),
          Bool("applied", &rule->applied),
          Integer("status", &rule->status, 300, 599),
          Text("code", &rule->code, NotEmpty),
          Integer("retry_after_s", &rule->retry_after_s, 0, 3600),
          Size("after_bytes", &rule->after_bytes),
          Duration("delay", &rule->delay, 0ms)};
}

}  // namespace config
