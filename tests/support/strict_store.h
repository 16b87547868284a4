// A store that differs from S3, and a client of that store. It stands for stores and gateways that refuse
// optional headers, omit parts of their responses, forbid reading, or complete uploads slowly.
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
#include <vector>

#include "s3/client/multipart.h"
#include "s3/hash/hash.h"
#include "s3/transport/event_loop_group.h"
#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace s3::test_stores {

using test::HttpCall;

inline constexpr std::string_view kContent = "body";

inline void IgnoreRetries(const RetryEvent&) {}

// How the store handles one CompleteMultipartUpload.
struct Completion {
  int status = 200;  // 0: closes the connection without a response
  std::string code = "";
  bool applied = true;
};

// How a store differs from S3.
struct StoreTraits {
  std::string refused_header = "";
  int refusal_status = 501;
  std::string refusal_code = "NotImplemented", refusal_message = "A header implies what is not implemented";
  int read_status = 200;     // not 200: the status of every response to HEAD and GET
  int tagging_status = 200;  // of the response to PutObjectTagging
  bool names_length = true;  // responses to HEAD have a Content-Length
  std::string etag_before = "\"", etag_behind = "\"";
  bool etag_in_upper_case = false;
  std::deque<Completion> completions = {};
};

// A store with one key in one bucket; each request uses a new connection.
class StrictStore {
 public:
  explicit StrictStore(StoreTraits traits)
      : traits_(std::move(traits)), server_([this](int fd) { Serve(fd); }) {}

  Endpoint endpoint() const { return server_.endpoint(); }
  bool has_object() const { return exists_; }
  bool has_upload() const { return uploading_; }
  // Returns the names of the operations that it received.
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
  int count_of_refused_header() const {
    int count = 0;
    for (const auto& call : calls()) count += call.Header(traits_.refused_header).empty() ? 0 : 1;
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
    const auto call = test::ReadCall(fd);
    if (!call) return;
    {
      std::lock_guard lock(mutex_);
      calls_.push_back(*call);
    }
    const auto response = ResponseTo(*call, NameOf(*call));
    if (response.status == 0) return;
    const auto length =
        call->method == "HEAD" ? "" : "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    test::Say(fd, "HTTP/1.1 " + std::to_string(response.status) + "\r\nConnection: close\r\n" +
                      response.headers + length + "\r\n" + (call->method == "HEAD" ? "" : response.body));
  }

  test::HttpAnswer ResponseTo(const HttpCall& call, const std::string& name) {
    if (!traits_.refused_header.empty() && !call.Header(traits_.refused_header).empty()) {
      return {traits_.refusal_status, "<Error><Code>" + traits_.refusal_code + "</Code><Message>" +
                                          traits_.refusal_message + "</Message></Error>"};
    }
    const bool reads = name == "Head" || name == "ListParts";
    if (reads && traits_.read_status != 200) return {traits_.read_status};
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
    if (name == "Tagging") return {traits_.tagging_status};
    if (name == "Abort") {
      if (!uploading_) return {404, test::ErrorXml("NoSuchUpload")};
      uploading_ = false;
      return {204};
    }
    if (name == "ListParts") {
      if (!uploading_) return {404, test::ErrorXml("NoSuchUpload")};
      return {200, "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>"};
    }
    if (!exists_) return {404};
    const auto length = "Content-Length: " + std::to_string(kContent.size()) + "\r\n";
    return {200, "",
            etag + std::string(kTokenHeader) + ": " + token_ + "\r\n" + (traits_.names_length ? length : "")};
  }

  test::HttpAnswer Complete() {
    Completion way;
    if (!traits_.completions.empty()) {
      way = traits_.completions.front();
      traits_.completions.pop_front();
    }
    if (way.applied) {
      exists_ = true;
      uploading_ = false;
    }
    if (way.status != 200) return {way.status, test::ErrorXml(way.code)};
    return {200, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"};
  }

  void Keep(const HttpCall& call) {
    exists_ = true;
    token_ = call.Header(std::string(kTokenHeader));
  }

  std::string ETag() const {
    auto hex = HexEncode(AsBytes(Md5(kContent)));
    if (traits_.etag_in_upper_case) std::transform(hex.begin(), hex.end(), hex.begin(), toupper);
    return traits_.etag_before + hex + traits_.etag_behind;
  }

  StoreTraits traits_;  // used by the server's thread only
  std::string token_;
  std::atomic<bool> exists_{false}, uploading_{false};
  mutable std::mutex mutex_;
  std::vector<HttpCall> calls_;
  test::RawServer server_;
};

// A client of a StrictStore.
struct StrictStoreFixture {
  explicit StrictStoreFixture(StoreTraits traits,
                              IntegrityOptions integrity = {.checksum = ChecksumAlgorithm::kMd5,
                                                            .etag_of_parts_is_md5 = false})
      : store(std::move(traits)),
        loops(transport, 1, 4),
        facts({.region = "us-east-1"}, {{store.endpoint(), "/b/"}},
              [this](std::string_view text) { notices.emplace_back(text); }),
        client(&facts, &credentials, &free.admission,
               {.max_attempts = 3,
                .base_delay = std::chrono::milliseconds(1),
                .cap = std::chrono::milliseconds(1)},
               integrity, &loops, &waiter, {}) {}

  RetryResult Put(std::string_view body = kContent, std::string_view token = "") {
    return client.PutObject({"k", &properties}, MakePayload(body, client.integrity()), token, IgnoreRetries);
  }
  // Uploads the object as one part.
  RetryResult UploadMultipart() {
    upload.emplace(&client, ObjectTarget{"k", &properties});
    EXPECT_TRUE(upload->Create(IgnoreRetries).response);
    return UploadPartAndComplete();
  }
  RetryResult UploadPartAndComplete() {
    const auto payload = MakePayload(kContent, client.integrity());
    const auto part = upload->UploadPart(1, payload, IgnoreRetries);
    if (!part.response) return part;
    return upload->Complete({{1, kContent.size(), part.response->etag, payload.checksum}}, kContent.size(),
                            IgnoreRetries);
  }

  StrictStore store;
  const TransportOptions transport{.kind = test::TransportUnderTest()};
  EventLoopGroup loops;
  std::vector<std::string> notices;
  StoreContextCache facts;
  CredentialCache credentials = test::Fixed({"id", Secret("secret"), Secret()});
  test::FreeAdmission free;
  BlockingWaiter waiter;
  Client client;
  ObjectProperties properties;
  std::optional<MultipartUpload> upload;
};

inline std::string ResultText(const RetryResult& result) {
  return result.response ? "success" : result.response.error().message;
}

}  // namespace s3::test_stores
