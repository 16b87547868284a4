// A store that differs from S3: it refuses optional headers, sends ETags in other forms, forbids reading, or
// takes long to complete an upload. And a client for it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/client/multipart.h"
#include "s3/transport/event_loop_group.h"
#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace test {

// The content of the one object and of the one part.
inline constexpr std::string_view kStrictStoreBody = "body";

inline void NoRetryIsShown(const s3::RetryEvent&) {}

// How the store handles one CompleteMultipartUpload.
struct Completion {
  int status = 200;  // 0: closes the connection without a response
  std::string code = "";
  bool applied = true;  // the object exists afterwards, whatever the status is
};

// How the store differs from S3.
struct StrictStoreOptions {
  std::string refused_header = "";
  int refusal_status = 501;
  std::string refusal_code = "NotImplemented", refusal_message = "A header implies what is not implemented";
  int read_status = 200;     // of HEAD and GET: refused with this status unless it is 200
  int tagging_status = 200;  // of PutObjectTagging
  bool names_length = true;
  std::string etag_before = "\"", etag_after = "\"";
  bool etag_in_upper_case = false;
  std::deque<Completion> completions = {};
};

// A store with one bucket and one key. Each request uses a new connection.
class StrictStore {
 public:
  explicit StrictStore(StrictStoreOptions options)
      : options_(std::move(options)), server_([this](int fd) { Serve(fd); }) {}

  s3::Endpoint endpoint() const { return server_.endpoint(); }
  bool has_object() const { return exists_; }
  bool has_upload() const { return uploading_; }
  // The names of the received requests, in order.
  std::vector<std::string> requests() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& call : calls_) names.push_back(NameOf(call));
    return names;
  }
  std::vector<HttpCall> calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  int with_refused_header() const {
    int count = 0;
    for (const auto& call : calls()) count += call.Header(options_.refused_header).empty() ? 0 : 1;
    return count;
  }

 private:
  static std::string NameOf(const HttpCall& call) {
    if (call.method == "POST") return call.target.ends_with("uploads=") ? "Create" : "Complete";
    if (call.target.find("tagging") != std::string::npos) return "Tagging";
    if (call.method == "GET") return "ListParts";
    if (call.method == "DELETE") return "Abort";
    if (call.method == "HEAD") return "Head";
    return call.target.find("partNumber") != std::string::npos ? "Part" : "Put";
  }

  void Serve(int fd) {
    const auto call = ReadCall(fd);
    if (!call) return;
    {
      std::lock_guard lock(mutex_);
      calls_.push_back(*call);
    }
    const auto response = RespondTo(*call, NameOf(*call));
    if (response.status == 0) return;
    const auto length =
        call->method == "HEAD" ? "" : "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    Say(fd, "HTTP/1.1 " + std::to_string(response.status) + "\r\nConnection: close\r\n" + response.headers +
                length + "\r\n" + (call->method == "HEAD" ? "" : response.body));
  }

  HttpAnswer RespondTo(const HttpCall& call, const std::string& name) {
    if (!options_.refused_header.empty() && !call.Header(options_.refused_header).empty()) {
      return {options_.refusal_status, "<Error><Code>" + options_.refusal_code + "</Code><Message>" +
                                           options_.refusal_message + "</Message></Error>"};
    }
    const bool reads = name == "Head" || name == "ListParts";
    if (reads && options_.read_status != 200) return {options_.read_status};
    const auto etag = "ETag: " + ETag() + "\r\n";
    if (name == "Put" || name == "Part") {
      if (name == "Put") Keep(call);
      return {200, "", etag};
    }
    if (name == "Create") {
      Keep(call);
      exists_ = false;
      uploading_ = true;
      return {200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"};
    }
    if (name == "Complete") return Complete();
    if (name == "Tagging") return {options_.tagging_status};
    if (name == "Abort") {
      if (!uploading_) return {404, ErrorXml("NoSuchUpload")};
      uploading_ = false;
      return {204};
    }
    if (name == "ListParts") {
      if (!uploading_) return {404, ErrorXml("NoSuchUpload")};
      return {200, "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>"};
    }
    if (!exists_) return {404};
    const auto length = "Content-Length: " + std::to_string(kStrictStoreBody.size()) + "\r\n";
    return {200, "",
            etag + std::string(s3::kTokenHeader) + ": " + token_ + "\r\n" +
                (options_.names_length ? length : "")};
  }

  HttpAnswer Complete() {
    Completion completion;
    if (!options_.completions.empty()) {
      completion = options_.completions.front();
      options_.completions.pop_front();
    }
    if (completion.applied) {
      exists_ = true;
      uploading_ = false;
    }
    if (completion.status != 200) return {completion.status, ErrorXml(completion.code)};
    return {200, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"};
  }

  void Keep(const HttpCall& call) {
    exists_ = true;
    token_ = call.Header(std::string(s3::kTokenHeader));
  }

  std::string ETag() const {
    auto hex = s3::HexEncode(s3::AsBytes(s3::Md5(kStrictStoreBody)));
    if (options_.etag_in_upper_case) std::transform(hex.begin(), hex.end(), hex.begin(), toupper);
    return options_.etag_before + hex + options_.etag_after;
  }

  StrictStoreOptions options_;  // used by the server's thread only
  std::string token_;
  std::atomic<bool> exists_{false}, uploading_{false};
  mutable std::mutex mutex_;
  std::vector<HttpCall> calls_;
  RawServer server_;
};

struct StrictStoreClient {
  explicit StrictStoreClient(StrictStoreOptions options,
                             s3::IntegrityOptions integrity = {.checksum = s3::ChecksumAlgorithm::kMd5,
                                                               .etag_of_parts_is_md5 = false})
      : store(std::move(options)),
        loops(transport, 1, 4),
        facts({.region = "us-east-1"}, {{store.endpoint(), "/b/"}},
              [this](std::string_view text) { notices.emplace_back(text); }),
        client(&facts, &credentials, &free.admission,
               {.max_attempts = 3,
                .base_delay = std::chrono::milliseconds(1),
                .cap = std::chrono::milliseconds(1)},
               integrity, &loops, &waiter, {}) {}

  s3::RetryResult Put(std::string_view body = kStrictStoreBody, std::string_view token = "") {
    return client.PutObject({"k", &properties}, s3::MakePayload(body, client.integrity()), token,
                            NoRetryIsShown);
  }
  // Creates an upload with one part and completes it.
  s3::RetryResult Complete() {
    upload.emplace(&client, s3::ObjectTarget{"k", &properties});
    EXPECT_TRUE(upload->Create(NoRetryIsShown).response);
    return CompleteIt();
  }
  s3::RetryResult CompleteIt() {
    const auto payload = s3::MakePayload(kStrictStoreBody, client.integrity());
    const auto part = upload->UploadPart(1, payload, NoRetryIsShown);
    if (!part.response) return part;
    return upload->Complete({{1, kStrictStoreBody.size(), part.response->etag, payload.checksum}},
                            kStrictStoreBody.size(), NoRetryIsShown);
  }

  StrictStore store;
  const s3::TransportOptions transport;
  s3::EventLoopGroup loops;
  std::vector<std::string> notices;
  s3::StoreContextCache facts;
  s3::CredentialCache credentials = Fixed({"id", s3::Secret("secret"), s3::Secret()});
  FreeAdmission free;
  s3::BlockingWaiter waiter;
  s3::Client client;
  s3::ObjectProperties properties;
  std::optional<s3::MultipartUpload> upload;
};

inline std::string OutcomeOf(const s3::RetryResult& result) {
  return result.response ? "success" : result.response.error().message;
}

}  // namespace test
