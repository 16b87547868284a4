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

constexpr std::string_view kBody = "s3flow probe: what does this store take? This object may be deleted.\n";
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

void NoRetryIsShown(const RetryEvent&) {}

std::string Said(const Error& error) {
  return error.code.empty() ? error.message : fmt::format("{}: {}", error.code, error.message);
}

// What is asked is what the store does by itself.
IntegrityOptions WithoutAskingFirst(IntegrityOptions integrity) {
  integrity.put_keeps_conditions = integrity.complete_keeps_conditions = true;
  return integrity;
}

class Prober {
 public:
  explicit Prober(const ProbeContext& context)
      : context_(context),
        client_(context.client(WithoutAskingFirst(context.integrity))),
        properties_(context.properties) {
    for (const auto* name : {"if-none-match", "x-amz-storage-class", "x-amz-object-lock-mode",
                             "x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold"}) {
      properties_.Set(name, "");
    }
  }

  ProbeReport Run() {
    auto put = client_->PutObject(target_, MakePayload(kBody, context_.integrity), "", NoRetryIsShown);
    if (!put.answer) {
      report_.refusal = put.answer.error();
      return std::move(report_);
    }
    Keep(*put.answer);
    report_.server = OneLine(put.answer->headers.Find("server").value_or(""), 64);
    Add("put", ProbeOutcome::kWorks,
        fmt::format("ETag {}", Md5OfETag(put.answer->etag, properties_, put.answer->headers) ? "is an MD5"
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

  // Every version of the object that there is, so that all can be deleted.
  void Keep(const Response& answer) {
    if (!answer.version_id.empty()) versions_.push_back(answer.version_id);
  }

  void Head() {
    std::vector<microseconds> times;
    ClockComparison clocks;
    for (int i = 0; i < kRoundTrips; ++i) {
      const auto begin = steady_clock::now();
      const auto sent = system_clock::now();
      const auto head = client_->HeadObject(target_, NoRetryIsShown);
      times.push_back(std::chrono::duration_cast<microseconds>(steady_clock::now() - begin));
      if (!head.answer) return Add("head", ProbeOutcome::kRefused, Said(head.answer.error()));
      if (HasOtherSize(*head.answer, kBody.size())) {
        return Add("head", ProbeOutcome::kRefused, "the answer has another size than the object");
      }
      if (const auto date = ParseHttpDate(head.answer->headers.Find("date").value_or(""))) {
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
    if (const auto created = upload.Create(NoRetryIsShown); !created.answer) {
      return Add("multipart", ProbeOutcome::kRefused, Said(created.answer.error()));
    }
    const auto payload = MakePayload(kBody, context_.integrity);
    const auto part = upload.UploadPart(1, payload, NoRetryIsShown);
    auto error = part.answer ? std::optional<Error>() : part.answer.error();
    if (!error) {
      const auto completed = upload.Complete({{1, kBody.size(), part.answer->etag, payload.checksum}},
                                             kBody.size(), NoRetryIsShown);
      if (completed.answer) {
        Keep(*completed.answer);
        return Add("multipart", ProbeOutcome::kWorks);
      }
      error = completed.answer.error();
      report_.own_etags = error->kind == ErrorKind::kIntegrity;
    }
    const auto aborted = upload.Abort(NoRetryIsShown);
    Add("multipart", ProbeOutcome::kRefused,
        Said(*error) +
            (aborted.answer ? "" : fmt::format("; upload {} could not be aborted", upload.upload_id())));
  }

  void IfNoneMatch() {
    auto properties = properties_;
    properties.Set("if-none-match", "*");
    // The object is there.
    const auto put = client_->PutObject({context_.key, &properties}, MakePayload(kBody, context_.integrity),
                                        "", NoRetryIsShown);
    if (put.answer) {
      Keep(*put.answer);
      return Add("if_none_match", ProbeOutcome::kIgnored);
    }
    if (put.answer.error().http_status == 412) return Add("if_none_match", ProbeOutcome::kChecked);
    Add("if_none_match", ProbeOutcome::kRefused, Said(put.answer.error()));
  }

  // The same with a multipart upload: the condition comes with its completion.
  void IfNoneMatchOfParts() {
    constexpr std::string_view kRow = "if_none_match parts";
    auto properties = properties_;
    properties.Set("if-none-match", "*");
    MultipartUpload upload(client_.get(), {context_.key, &properties});
    if (!upload.Create(NoRetryIsShown).answer) return;  // Multipart() has said why
    const auto payload = MakePayload(kBody, context_.integrity);
    auto done = upload.UploadPart(1, payload, NoRetryIsShown);
    if (done.answer) {
      done = upload.Complete({{1, kBody.size(), done.answer->etag, payload.checksum}}, kBody.size(),
                             NoRetryIsShown);
    }
    if (done.answer) {
      Keep(*done.answer);
      return Add(kRow, ProbeOutcome::kIgnored);
    }
    (void)upload.Abort(NoRetryIsShown);
    if (SaysItExists(done.answer.error())) return Add(kRow, ProbeOutcome::kChecked);
    Add(kRow, ProbeOutcome::kRefused, Said(done.answer.error()));
  }

  void Try(const Mode& mode) {
    auto client = context_.client(mode.integrity);
    const auto right = client->PutObject(target_, MakePayload(kBody, mode.integrity), "", NoRetryIsShown);
    if (!right.answer) return Add(mode.name, ProbeOutcome::kRefused, Said(right.answer.error()));
    Keep(*right.answer);
    auto wrong = MakePayload(kBody, mode.integrity);
    const auto other = MakePayload(kOther, mode.integrity);
    if (mode.integrity.checksum != ChecksumAlgorithm::kNone) {
      wrong.checksum = other.checksum;
    } else if (mode.integrity.payload == PayloadMode::kSha256) {
      wrong.sha256 = other.sha256;
    } else {
      return Add(mode.name, ProbeOutcome::kWorks);
    }
    const auto answer = client->SendWithCorrections(
        {.build = [&](const BucketAddress& bucket) { return BuildPutObject(bucket, target_, ""); },
         .payload = &wrong});
    if (answer) {
      Keep(*answer);
      return Add(mode.name, ProbeOutcome::kIgnored);
    }
    if (answer.error().http_status >= 400 && answer.error().http_status < 500)
      return Add(mode.name, ProbeOutcome::kChecked);
    Add(mode.name, ProbeOutcome::kRefused, Said(answer.error()));
  }

  void Delete() {
    if (versions_.empty()) versions_.emplace_back();
    for (const auto& version : versions_) {
      const auto deleted = client_->Execute(
          {.build = [&](const BucketAddress& bucket) { return BuildDeleteObject(bucket, target_, version); }},
          NoRetryIsShown);
      if (deleted.answer) continue;
      report_.left_behind = true;
      return Add("delete", ProbeOutcome::kRefused, Said(deleted.answer.error()));
    }
    const auto head = client_->HeadObject(target_, NoRetryIsShown);
    report_.left_behind = head.answer.has_value();
    const bool unread = !head.answer && CannotBeRead(head.answer.error());
    Add("delete", head.answer ? ProbeOutcome::kIgnored : ProbeOutcome::kWorks,
        unread ? "not confirmed: the key may not read" : "");
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
  const auto least = date - received, most = date + seconds(1) - sent;
  least_ = std::max(least, least_.value_or(least));
  most_ = std::min(most, most_.value_or(most));
}

std::optional<seconds> ClockComparison::offset() const {
  if (!least_) return std::nullopt;
  if (*least_ <= Time::duration::zero() && *most_ >= Time::duration::zero()) return seconds(0);
  return std::chrono::round<seconds>((*least_ + *most_) / 2);
}

ProbeReport Probe(const ProbeContext& context) { return Prober(context).Run(); }

}  // namespace s3
