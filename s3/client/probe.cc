#include "s3/client/probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "s3/api/classify_response.h"
#include "s3/base/text.h"
#include "s3/client/multipart.h"
#include "s3/hash/checksum.h"
#include "s3/hash/hash.h"

namespace s3 {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::string_view kContent =
    "s3flow probe: what does this store take? This object may be deleted.\n";
constexpr std::string_view kOther =
    "s3flow probe: the bytes that a wrong checksum was computed from.........\n";
constexpr int kRoundTrips = 5;

struct Mode {
  std::string_view name;
  IntegrityOptions integrity;
};

const std::vector<Mode>& Modes() {
  using enum ChecksumAlgorithm;
  static const std::vector<Mode> modes{
      {"payload sha256", {.payload = PayloadMode::kSha256, .checksum = kNone}},
      {"payload unsigned", {.payload = PayloadMode::kUnsigned, .checksum = kNone}},
      {"payload streaming", {.payload = PayloadMode::kStreaming, .checksum = kNone}},
      {"checksum md5", {.checksum = kMd5}},
      {"checksum crc32c", {.checksum = kCrc32c}},
      {"checksum crc64nvme", {.checksum = kCrc64Nvme}},
      {"checksum sha256", {.checksum = kSha256}},
      {"trailer crc32c", {.payload = PayloadMode::kUnsigned, .checksum = kCrc32c, .trailer = true}}};
  return modes;
}

void IgnoreRetries(const RetryEvent&) {}

std::string ErrorText(const Error& error) {
  return error.code.empty() ? error.message : fmt::format("{}: {}", error.code, error.message);
}

// The probe tests whether the store itself keeps conditions, so the client must not check the key first.
IntegrityOptions WithoutKeyChecks(IntegrityOptions integrity) {
  integrity.put_keeps_conditions = integrity.complete_keeps_conditions = true;
  return integrity;
}

class Prober {
 public:
  explicit Prober(const ProbeContext& context)
      : context_(context),
        client_(context.client(WithoutKeyChecks(context.integrity))),
        properties_(context.properties) {
    for (const auto* name : {"if-none-match", "x-amz-storage-class", "x-amz-object-lock-mode",
                             "x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold"}) {
      properties_.Set(name, "");
    }
  }

  ProbeReport Run() {
    auto put = client_->PutObject(target_, MakePayload(kContent, context_.integrity), "", IgnoreRetries);
    if (!put.response) {
      report_.refusal = put.response.error();
      return std::move(report_);
    }
    Keep(*put.response);
    report_.server = OneLine(put.response->headers.Find("server").value_or(""), 64);
    Add("put", ProbeOutcome::kWorks,
        fmt::format("ETag {}", Md5OfETag(put.response->etag, properties_, put.response->headers)
                                   ? "is an MD5"
                                   : "is no MD5"));
    Head();
    Multipart();
    IfNoneMatch();
    IfNoneMatchOfParts();
    for (const auto& mode : Modes()) Try(mode);
    Delete();
    return std::move(report_);
  }

 private:
  void Add(std::string_view name, ProbeOutcome outcome, std::string detail = "") {
    report_.rows.push_back({name, outcome, std::move(detail)});
  }

  // Remembers a version of the object, so that Delete() can delete all versions.
  void Keep(const Response& response) {
    if (!response.version_id.empty()) versions_.push_back(response.version_id);
  }

  void Head() {
    std::vector<microseconds> times;
    ClockComparison clocks;
    for (int i = 0; i < kRoundTrips; ++i) {
      const auto begin = steady_clock::now();
      const auto sent = system_clock::now();
      const auto head = client_->HeadObject(target_, IgnoreRetries);
      times.push_back(std::chrono::duration_cast<microseconds>(steady_clock::now() - begin));
      if (!head.response) return Add("head", ProbeOutcome::kRefused, ErrorText(head.response.error()));
      if (HasOtherSize(*head.response, kContent.size())) {
        return Add("head", ProbeOutcome::kRefused, "the response has another size than the object");
      }
      if (const auto date = ParseHttpDate(head.response->headers.Find("date").value_or(""))) {
        clocks.Add(*date, sent, system_clock::now());
      }
    }
    report_.clock_offset = clocks.offset();
    std::sort(times.begin(), times.end());
    report_.round_trip = times[times.size() / 2];
    Add("head", ProbeOutcome::kWorks);
  }

  void Multipart() {
    MultipartUpload upload(client_.get(), target_);
    if (const auto created = upload.Create(IgnoreRetries); !created.response) {
      return Add("multipart", ProbeOutcome::kRefused, ErrorText(created.response.error()));
    }
    const auto payload = MakePayload(kContent, context_.integrity);
    const auto part = upload.UploadPart(1, payload, IgnoreRetries);
    auto error = part.response ? std::optional<Error>() : part.response.error();
    if (!error) {
      const auto completed = upload.Complete({{1, kContent.size(), part.response->etag, payload.checksum}},
                                             kContent.size(), IgnoreRetries);
      if (completed.response) {
        Keep(*completed.response);
        return Add("multipart", ProbeOutcome::kWorks);
      }
      error = completed.response.error();
      report_.own_etags = error->kind == ErrorKind::kIntegrity;
    }
    const auto aborted = upload.Abort(IgnoreRetries);
    Add("multipart", ProbeOutcome::kRefused,
        ErrorText(*error) +
            (aborted.response ? "" : fmt::format("; upload {} could not be aborted", upload.upload_id())));
  }

  void IfNoneMatch() {
    auto properties = properties_;
    properties.Set("if-none-match", "*");
    // The store must refuse this, because the object exists.
    const auto put = client_->PutObject({context_.key, &properties},
                                        MakePayload(kContent, context_.integrity), "", IgnoreRetries);
    if (put.response) {
      Keep(*put.response);
      return Add("if_none_match", ProbeOutcome::kIgnored);
    }
    if (put.response.error().http_status == 412) return Add("if_none_match", ProbeOutcome::kChecked);
    Add("if_none_match", ProbeOutcome::kRefused, ErrorText(put.response.error()));
  }

  // Tests the same with a multipart upload. Its completion contains the condition.
  void IfNoneMatchOfParts() {
    constexpr std::string_view kRow = "if_none_match parts";
    auto properties = properties_;
    properties.Set("if-none-match", "*");
    MultipartUpload upload(client_.get(), {context_.key, &properties});
    if (!upload.Create(IgnoreRetries).response) return;  // Multipart() has reported why
    const auto payload = MakePayload(kContent, context_.integrity);
    auto done = upload.UploadPart(1, payload, IgnoreRetries);
    if (done.response) {
      done = upload.Complete({{1, kContent.size(), done.response->etag, payload.checksum}}, kContent.size(),
                             IgnoreRetries);
    }
    if (done.response) {
      Keep(*done.response);
      return Add(kRow, ProbeOutcome::kIgnored);
    }
    (void)upload.Abort(IgnoreRetries);
    if (SaysItExists(done.response.error())) return Add(kRow, ProbeOutcome::kChecked);
    Add(kRow, ProbeOutcome::kRefused, ErrorText(done.response.error()));
  }

  void Try(const Mode& mode) {
    auto client = context_.client(mode.integrity);
    const auto right = client->PutObject(target_, MakePayload(kContent, mode.integrity), "", IgnoreRetries);
    if (!right.response) return Add(mode.name, ProbeOutcome::kRefused, ErrorText(right.response.error()));
    Keep(*right.response);
    auto wrong = MakePayload(kContent, mode.integrity);
    const auto other = MakePayload(kOther, mode.integrity);
    if (mode.integrity.checksum != ChecksumAlgorithm::kNone) {
      wrong.checksum = other.checksum;
    } else if (mode.integrity.payload == PayloadMode::kSha256) {
      wrong.sha256 = other.sha256;
    } else {
      return Add(mode.name, ProbeOutcome::kWorks);
    }
    const auto response = client->SendWithCorrections(
        {.build = [&](const BucketAddress& bucket) { return BuildPutObject(bucket, target_, ""); },
         .payload = &wrong},
        /*is_retry=*/false);
    if (response) {
      Keep(*response);
      return Add(mode.name, ProbeOutcome::kIgnored);
    }
    if (response.error().http_status >= 400 && response.error().http_status < 500)
      return Add(mode.name, ProbeOutcome::kChecked);
    Add(mode.name, ProbeOutcome::kRefused, ErrorText(response.error()));
  }

  void Delete() {
    if (versions_.empty()) versions_.emplace_back();
    for (const auto& version : versions_) {
      const auto deleted = client_->Execute(
          {.build = [&](const BucketAddress& bucket) { return BuildDeleteObject(bucket, target_, version); }},
          IgnoreRetries);
      if (deleted.response) continue;
      report_.left_behind = true;
      return Add("delete", ProbeOutcome::kRefused, ErrorText(deleted.response.error()));
    }
    const auto head = client_->HeadObject(target_, IgnoreRetries);
    report_.left_behind = head.response.has_value();
    const bool cannot_read = !head.response && CannotBeRead(head.response.error());
    Add("delete", head.response ? ProbeOutcome::kIgnored : ProbeOutcome::kWorks,
        cannot_read ? "not confirmed: the credentials are not allowed to read the object" : "");
  }

  const ProbeContext& context_;
  const std::unique_ptr<Client> client_;
  ObjectProperties properties_;
  const ObjectTarget target_{context_.key, &properties_};
  ProbeReport report_;
  std::vector<std::string> versions_;
};

}  // namespace

const ProbeRow* ProbeReport::Find(std::string_view name) const {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const ProbeRow& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

void ClockComparison::Add(Time date, Time sent, Time received) {
  const auto min = date - received, max = date + seconds(1) - sent;
  min_ = std::max(min, min_.value_or(min));
  max_ = std::min(max, max_.value_or(max));
}

std::optional<seconds> ClockComparison::offset() const {
  if (!min_) return std::nullopt;
  if (*min_ <= Time::duration::zero() && *max_ >= Time::duration::zero()) return seconds(0);
  return std::chrono::round<seconds>((*min_ + *max_) / 2);
}

ProbeReport Probe(const ProbeContext& context) { return Prober(context).Run(); }

}  // namespace s3
