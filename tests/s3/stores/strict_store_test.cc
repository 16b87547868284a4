// Stores and gateways that differ from S3: headers that they refuse, answers that leave something out, keys
// that may only write, and completions that take their time. Nothing false is said of an object either way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "s3/api/etag.h"
#include "s3/client/multipart.h"
#include "s3/hash/checksum.h"
#include "s3/transport/event_loop_group.h"
#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace s3 {
namespace {

using test::HttpCall;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kBody = "body";

void NoRetryIsShown(const RetryEvent&) {}

// How it treats one CompleteMultipartUpload.
struct Completion {
  int status = 200;  // 0: closes the connection without an answer
  std::string code = "";
  bool applied = true;
};

struct Ways {
  std::string refused_header = "";
  int refusal_status = 501;
  std::string refusal_code = "NotImplemented", refusal_message = "A header implies what is not implemented";
  int read_status = 200;     // of HEAD and GET, unless it is 200
  int tagging_status = 200;  // of PutObjectTagging
  bool names_length = true;
  std::string etag_before = "\"", etag_behind = "\"";
  bool etag_in_upper_case = false;
  std::deque<Completion> completions = {};
};

// One key of one bucket, each request on a connection of its own.
class Store {
 public:
  explicit Store(Ways ways) : ways_(std::move(ways)), server_([this](int fd) { Serve(fd); }) {}

  Endpoint endpoint() const { return server_.endpoint(); }
  bool has_object() const { return exists_; }
  bool has_upload() const { return uploading_; }
  // Method and query of the requests that it has got.
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
    for (const auto& call : calls()) count += call.Header(ways_.refused_header).empty() ? 0 : 1;
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
    const auto answer = AnswerTo(*call, NameOf(*call));
    if (answer.status == 0) return;
    const auto length =
        call->method == "HEAD" ? "" : "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    test::Say(fd, "HTTP/1.1 " + std::to_string(answer.status) + "\r\nConnection: close\r\n" + answer.headers +
                      length + "\r\n" + (call->method == "HEAD" ? "" : answer.body));
  }

  test::HttpAnswer AnswerTo(const HttpCall& call, const std::string& name) {
    if (!ways_.refused_header.empty() && !call.Header(ways_.refused_header).empty()) {
      return {ways_.refusal_status, "<Error><Code>" + ways_.refusal_code + "</Code><Message>" +
                                        ways_.refusal_message + "</Message></Error>"};
    }
    const bool reads = name == "Head" || name == "ListParts";
    if (reads && ways_.read_status != 200) return {ways_.read_status};
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
    if (name == "Tagging") return {ways_.tagging_status};
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
    const auto length = "Content-Length: " + std::to_string(kBody.size()) + "\r\n";
    return {200, "",
            etag + std::string(kTokenHeader) + ": " + token_ + "\r\n" + (ways_.names_length ? length : "")};
  }

  test::HttpAnswer Complete() {
    Completion way;
    if (!ways_.completions.empty()) {
      way = ways_.completions.front();
      ways_.completions.pop_front();
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
    auto hex = HexEncode(AsBytes(Md5(kBody)));
    if (ways_.etag_in_upper_case) std::transform(hex.begin(), hex.end(), hex.begin(), toupper);
    return ways_.etag_before + hex + ways_.etag_behind;
  }

  Ways ways_;  // of the server's thread
  std::string token_;
  std::atomic<bool> exists_{false}, uploading_{false};
  mutable std::mutex mutex_;
  std::vector<HttpCall> calls_;
  test::RawServer server_;
};

struct StoreClient {
  explicit StoreClient(Ways ways, IntegrityOptions integrity = {.checksum = ChecksumAlgorithm::kMd5,
                                                                .etag_of_parts_is_md5 = false})
      : store(std::move(ways)),
        loops(transport, 1, 4),
        facts({.region = "us-east-1"}, {{store.endpoint(), "/b/"}},
              [this](std::string_view text) { notices.emplace_back(text); }),
        client(&facts, &credentials, &free.admission,
               {.max_attempts = 3,
                .base_delay = std::chrono::milliseconds(1),
                .cap = std::chrono::milliseconds(1)},
               integrity, &loops, &waiter, {}) {}

  RetryResult Put(std::string_view body = kBody, std::string_view token = "") {
    return client.PutObject({"k", &properties}, MakePayload(body, client.integrity()), token, NoRetryIsShown);
  }
  // Creates an upload with one part; completes it.
  RetryResult Complete() {
    upload.emplace(&client, ObjectTarget{"k", &properties});
    EXPECT_TRUE(upload->Create(NoRetryIsShown).answer);
    return CompleteIt();
  }
  RetryResult CompleteIt() {
    const auto payload = MakePayload(kBody, client.integrity());
    const auto part = upload->UploadPart(1, payload, NoRetryIsShown);
    if (!part.answer) return part;
    return upload->Complete({{1, kBody.size(), part.answer->etag, payload.checksum}}, kBody.size(),
                            NoRetryIsShown);
  }

  Store store;
  const TransportOptions transport;
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

std::string Told(const RetryResult& settled) {
  return settled.answer ? "success" : settled.answer.error().message;
}

// ---- Headers that need not be sent
// ------------------------------------------------------------------------------

struct Refusal {
  std::string header, code, message;
  int status;
};

// Each way of refusing an optional header costs one request, once a run.
TEST(StrictStoreTest, AnOptionalHeaderThatIsRefusedIsLeftOut) {
  const Refusal refusals[] = {
      {"x-amz-mp-object-size", "NotImplemented", "A header you provided implies what is not implemented",
       501},
      {"x-amz-mp-object-size", "", "", 501},
      {"x-amz-mp-object-size", "InvalidArgument", "Unsupported header 'X-Amz-Mp-Object-Size' received", 400},
      {"x-amz-mp-object-size", "NotImplemented", "no", 400},
      {"x-amz-mp-object-size", "", "", 400},
      {"x-amz-mp-object-size", "MethodNotAllowed", "no", 405},
      {"x-amz-checksum-type", "NotImplemented", "no", 501},
      {"x-amz-checksum-type", "InvalidArgument", "no x-amz-checksum-type here", 400}};
  for (const auto& [header, code, message, status] : refusals) {
    const bool checksum = header == "x-amz-checksum-type";
    StoreClient made({.refused_header = header,
                      .refusal_status = status,
                      .refusal_code = code,
                      .refusal_message = message},
                     {.checksum = checksum ? ChecksumAlgorithm::kCrc64Nvme : ChecksumAlgorithm::kMd5,
                      .etag_of_parts_is_md5 = false});
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(Told(made.Complete()), "success") << header << status << code;
      EXPECT_TRUE(made.store.has_object());
    }
    EXPECT_EQ(made.store.with_refused_header(), 1) << header << status << code;
    EXPECT_THAT(made.notices, Contains(HasSubstr(header)));
  }
}

TEST(StrictStoreTest, ChecksumModeThatIsRefusedIsLeftOutOfHead) {
  for (const int status : {501, 400, 405}) {
    StoreClient made({.refused_header = "x-amz-checksum-mode", .refusal_status = status},
                     {.checksum = ChecksumAlgorithm::kCrc32c});
    ASSERT_TRUE(made.Put().answer);
    EXPECT_EQ(Told(made.client.HeadObject({"k", &made.properties}, NoRetryIsShown)), "success") << status;
    EXPECT_EQ(Told(made.client.HeadObject({"k", &made.properties}, NoRetryIsShown)), "success") << status;
    EXPECT_EQ(made.store.with_refused_header(), 1);
  }
}

// What a refusal is about cannot be left out, or the refusal is about something else.
TEST(StrictStoreTest, WhatIsAskedForIsNotLeftOut) {
  const Refusal refusals[] = {{"x-amz-mp-object-size", "InvalidRequest",
                               "x-amz-mp-object-size does not match", 400},  // S3: another size
                              {"x-amz-mp-object-size", "EntityTooSmall", "a part is too small", 400},
                              {"x-amz-mp-object-size", "AccessDenied", "no", 403},
                              {"x-amz-tagging", "NotImplemented", "no x-amz-tagging", 501},
                              {"content-md5", "InvalidArgument", "no", 400}};
  for (const auto& [header, code, message, status] : refusals) {
    StoreClient made({.refused_header = header,
                      .refusal_status = status,
                      .refusal_code = code,
                      .refusal_message = message});
    made.properties.Set("x-amz-tagging", "a=b");
    made.upload.emplace(&made.client, ObjectTarget{"k", &made.properties});
    auto ended = made.upload->Create(NoRetryIsShown);
    if (ended.answer) ended = made.CompleteIt();
    EXPECT_FALSE(ended.answer) << header << code;
    EXPECT_GE(made.store.with_refused_header(), 1);
    EXPECT_THAT(made.notices, IsEmpty());
  }
}

// Without the type a CRC32C is one of checksums.
TEST(StrictStoreTest, TheTypeOfACrc32cIsNoOptionalHeader) {
  StoreClient made({.refused_header = "x-amz-checksum-type"}, {.checksum = ChecksumAlgorithm::kCrc32c});
  made.upload.emplace(&made.client, ObjectTarget{"k", &made.properties});
  EXPECT_FALSE(made.upload->Create(NoRetryIsShown).answer);
  EXPECT_EQ(made.store.with_refused_header(), 1);
}

TEST(StrictStoreTest, ExpectThatIsRefusedIsLeftOut) {
  const std::string large(2 << 20, 'x');
  for (const int status : {417, 501}) {
    std::atomic<int> asked{0};
    test::RawServer server([&](int fd) {
      const auto head = test::ReadRequest(fd);
      if (head.find("Expect:") != std::string::npos) {
        ++asked;
        return test::Say(fd, "HTTP/1.1 " + std::to_string(status) + "\r\nContent-Length: 0\r\n\r\n");
      }
      std::vector<char> buffer(1 << 16);
      for (std::size_t got = test::ParseCall(head).body.size(); got < large.size();) {
        const auto more = read(fd, buffer.data(), buffer.size());
        if (more <= 0) return;
        got += static_cast<std::size_t>(more);
      }
      test::Say(fd, "HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    EventLoopGroup loops(TransportOptions{}, 1, 4);
    for (int i = 0; i < 2; ++i) {
      HttpRequest request;
      request.method = "PUT";
      request.endpoint = server.endpoint();
      request.path = "/b/k";
      request.body = large;
      HttpResponse response;
      BlockingWaiter().Wait([&](Wake wake) { loops.Send(std::move(request), &response, wake); });
      EXPECT_EQ(response.status, 200);
    }
    EXPECT_EQ(asked, 1) << status;
  }
}

// ---- ETags and lengths
// --------------------------------------------------------------------------------------------

TEST(ETagTest, WhatIsTheSame) {
  const std::string hex = "d41d8cd98f00b204e9800998ecf8427e";
  for (const auto& form :
       {hex, "\"" + hex + "\"", "W/\"" + hex + "\"", "w/\"" + hex + "\"", " \"" + hex + "\" "}) {
    EXPECT_TRUE(IsSameETag(form, "\"" + hex + "\"")) << form;
    EXPECT_EQ(OpaqueTag(form), hex);
  }
  EXPECT_TRUE(IsSameETag("\"ABCDEF-2\"", "abcdef-2"));
  EXPECT_FALSE(IsSameETag("\"xyZ\"", "\"xyz\"")) << "no hexadecimal digits: case counts";
  EXPECT_FALSE(IsSameETag("\"abc\"", "\"abd\""));
  EXPECT_FALSE(IsSameETag("\"abc\"", "\"abc-1\""));
  EXPECT_FALSE(IsSameETag("\"abc\"", ""));
  EXPECT_EQ(StrongETag("W/\"abc\""), "\"abc\"");
  EXPECT_EQ(StrongETag("abc"), "abc");
  EXPECT_EQ(OpaqueTag("\""), "\"");
  EXPECT_EQ(OpaqueTag("W/"), "");
}

TEST(StrictStoreTest, EveryFormOfAnETagIsTheObjects) {
  struct Form {
    std::string before, behind;
    bool upper;
  };
  for (const auto& [before, behind, upper] : {Form{"\"", "\"", false},
                                              {"", "", false},
                                              {"W/\"", "\"", false},
                                              {"W/", "", false},
                                              {"\"", "\"", true}}) {
    StoreClient made({.etag_before = before, .etag_behind = behind, .etag_in_upper_case = upper});
    EXPECT_EQ(Told(made.Put()), "success") << before;
    const auto hex = "\"" + HexEncode(AsBytes(Md5(kBody))) + "\"";
    EXPECT_EQ(Told(made.client.VerifyObject({"k", &made.properties}, kBody.size(), hex, "", NoRetryIsShown)),
              "success");
    EXPECT_FALSE(
        made.client.VerifyObject({"k", &made.properties}, kBody.size(), "\"0\"", "", NoRetryIsShown).answer);
    EXPECT_EQ(Told(made.Complete()), "success") << before;
    for (const auto& call : made.store.calls())
      EXPECT_EQ(call.body.find("W/"), std::string::npos) << call.body;
    // Compared at all: other bytes have another MD5.
    EXPECT_FALSE(made.Put("BODY").answer);
  }
}

TEST(StrictStoreTest, ALengthThatIsNotNamedIsUnknownAndNotZero) {
  for (const bool named : {true, false}) {
    StoreClient made({.names_length = named, .completions = {{503, "SlowDown", true}}});
    EXPECT_EQ(Told(made.Complete()), "success") << "the token decides";
    EXPECT_EQ(Told(made.upload->FindOwnObject(kBody.size(), NoRetryIsShown)), "success");
    EXPECT_EQ(made.upload->FindOwnObject(kBody.size() + 1, NoRetryIsShown).answer.has_value(), !named);
    const auto etag = made.client.HeadObject({"k", &made.properties}, NoRetryIsShown).answer->etag;
    EXPECT_EQ(Told(made.client.VerifyObject({"k", &made.properties}, kBody.size(), etag, "", NoRetryIsShown)),
              "success");
    EXPECT_FALSE(
        made.client.VerifyObject({"k", &made.properties}, kBody.size(), "\"x\"", "", NoRetryIsShown).answer);
    Ways other{.names_length = named};
    StoreClient another(other);
    ASSERT_TRUE(another.Put(kBody, "their token").answer);
    MultipartUpload ours(&another.client, {"k", &another.properties});
    EXPECT_FALSE(ours.FindOwnObject(kBody.size(), NoRetryIsShown).answer) << "another writer's";
  }
}

// ---- A key that may only write
// ------------------------------------------------------------------------------------

TEST(WriteOnlyTest, TagsThatCannotBeReadBackAreNoFailure) {
  for (const int read_status : {403, 405, 501}) {
    for (const int tagging_status : {200, 403, 501}) {
      StoreClient made({.read_status = read_status, .tagging_status = tagging_status});
      made.properties.Set("x-amz-tagging", "a=b");
      ASSERT_EQ(Told(made.Complete()), "success");
      EXPECT_EQ(Told(made.upload->EnsureTags(NoRetryIsShown)), "success")
          << read_status << " " << tagging_status;
      EXPECT_THAT(made.store.requests(), Contains("Tagging"));
    }
  }
  // What can be read back, and is not there, is set, or that is a failure.
  StoreClient reads({.tagging_status = 403});
  reads.properties.Set("x-amz-tagging", "a=b");
  ASSERT_EQ(Told(reads.Complete()), "success");
  EXPECT_FALSE(reads.upload->EnsureTags(NoRetryIsShown).answer);
}

TEST(WriteOnlyTest, AnAbortNeedsNoList) {
  StoreClient made({.read_status = 403});
  MultipartUpload upload(&made.client, {"k", &made.properties});
  ASSERT_TRUE(upload.Create(NoRetryIsShown).answer);
  EXPECT_EQ(Told(upload.Abort(NoRetryIsShown)), "success");
  EXPECT_FALSE(made.store.has_upload());
  EXPECT_THAT(made.store.requests(), ElementsAre("Create", "Abort", "ListParts", "Abort"));
}

// The completion was carried out, its answer lost: what cannot be asked is said to be unknown.
TEST(WriteOnlyTest, AnUnclearCompletionIsNeitherSuccessNorAnothersObject) {
  StoreClient made(
      {.read_status = 403,
       .completions = {{503, "SlowDown", true}, {404, "NoSuchUpload", true}, {404, "NoSuchUpload", true}}});
  const auto ended = made.Complete();
  ASSERT_FALSE(ended.answer);
  EXPECT_THAT(ended.answer.error().message, HasSubstr("cannot be asked"));
  EXPECT_THAT(ended.answer.error().message, testing::Not(HasSubstr("not ours")));
}

TEST(WriteOnlyTest, VerificationSaysThatTheObjectWasAcknowledged) {
  StoreClient made({.read_status = 403});
  ASSERT_TRUE(made.Put().answer);
  const auto verified =
      made.client.VerifyObject({"k", &made.properties}, kBody.size(), "\"x\"", "", NoRetryIsShown);
  EXPECT_THAT(Told(verified), HasSubstr("has acknowledged the object"));
}

// ---- Completions that take their time
// -----------------------------------------------------------------------------

// Ways in which a second completion is refused while the first is still at work; then the object is there.
TEST(CompletionTest, NoRefusalShowsThatAnEarlierCompletionCameToNothing) {
  for (const auto* code :
       {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "NoSuchUpload", "NoSuchKey"}) {
    const int status = std::string_view(code).starts_with("NoSuch") ? 404 : 400;
    // The first has no answer, the second is refused and meanwhile the first gets done.
    StoreClient made({.completions = {{503, "ServiceUnavailable", false}, {status, code, true}}});
    EXPECT_EQ(Told(made.Complete()), "success") << code;
    StoreClient later(
        {.completions = {{503, "ServiceUnavailable", false}, {status, code, false}, {status, code, true}}});
    EXPECT_EQ(Told(later.Complete()), "success") << code << ", done after the second refusal";
    // It never gets done: a failure, and no more attempts than there are.
    StoreClient never({.completions = {{503, "", false}, {status, code, false}, {status, code, false}}});
    EXPECT_FALSE(never.Complete().answer);
    EXPECT_EQ(never.store.requests().back(), "Head");
    // No earlier one: the refusal stands at once.
    StoreClient first({.completions = {{status, code, false}}});
    EXPECT_FALSE(first.Complete().answer);
  }
}

// An earlier session may have begun to complete.
TEST(CompletionTest, AnUploadOfAnEarlierSessionMayBeCompletingStill) {
  StoreClient made({.completions = {{400, "InvalidPart", false}, {400, "InvalidPart", true}}});
  MultipartUpload created(&made.client, {"k", &made.properties});
  ASSERT_TRUE(created.Create(NoRetryIsShown).answer);
  made.upload.emplace(&made.client, ObjectTarget{"k", &made.properties}, created.token(),
                      created.upload_id());
  EXPECT_EQ(Told(made.CompleteIt()), "success");
}

TEST(CompletionTest, ACompletionHasAStallWindowOfItsOwn) {
  for (const bool late : {true, false}) {
    std::atomic<bool> gone{false};
    TransportOptions options;
    options.stall_window = std::chrono::milliseconds(100);
    options.completion_window = std::chrono::seconds(60);
    EventLoopGroup loops(options, 1, 4);
    HttpResponse quick, slow;
    test::RawServer silent([&](int fd) {
      test::ReadRequest(fd);
      gone.wait(false);
    });
    // Says nothing until the other exchange has stalled, with the same window.
    test::RawServer server([&](int fd) {
      test::ReadRequest(fd);
      gone.wait(false);
      test::Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    const auto request_to = [](const Endpoint& endpoint) {
      HttpRequest request;
      request.method = "POST";
      request.endpoint = endpoint;
      request.path = "/b/k";
      return request;
    };
    std::thread asks([&] {
      auto request = request_to(server.endpoint());
      request.answers_late = late;
      BlockingWaiter().Wait([&](Wake wake) { loops.Send(std::move(request), &slow, wake); });
    });
    BlockingWaiter().Wait([&](Wake wake) { loops.Send(request_to(silent.endpoint()), &quick, wake); });
    BlockingWaiter().Wait([&](Wake wake) { loops.Send(request_to(silent.endpoint()), &quick, wake); });
    if (!late) asks.join();
    gone = true;
    gone.notify_all();
    if (late) asks.join();
    EXPECT_TRUE(quick.failure) << "it has stalled";
    EXPECT_EQ(slow.failure.has_value(), !late) << (slow.failure ? slow.failure->message : "");
  }
  const ObjectProperties none;
  const BucketAddress bucket{Endpoint{"http", "h", 80}, "/"};
  const auto complete =
      BuildCompleteMultipartUpload(bucket, {"k", &none}, "u", 1, ChecksumAlgorithm::kNone, "", "");
  EXPECT_TRUE(complete.answers_late);
}

// ---- An empty body
// ------------------------------------------------------------------------------------------------

TEST(EmptyBodyTest, IsNeverSentInChunks) {
  using enum PayloadMode;
  struct Mode {
    PayloadMode payload;
    ChecksumAlgorithm checksum;
    bool trailer;
    std::string hash;
  };
  const auto empty = Sha256Hex("");
  for (const auto& [payload, checksum, trailer, hash] :
       {Mode{kStreaming, ChecksumAlgorithm::kNone, false, empty},
        {kStreaming, ChecksumAlgorithm::kMd5, false, empty},
        {kStreaming, ChecksumAlgorithm::kCrc32c, true, empty},
        {kUnsigned, ChecksumAlgorithm::kCrc32c, true, "UNSIGNED-PAYLOAD"},
        {kUnsigned, ChecksumAlgorithm::kCrc64Nvme, true, "UNSIGNED-PAYLOAD"},
        {kSha256, ChecksumAlgorithm::kNone, false, empty}}) {
    StoreClient made({}, {.payload = payload, .checksum = checksum, .trailer = trailer});
    (void)made.Put("");
    const auto call = made.store.calls().at(0);
    EXPECT_EQ(call.Header("content-encoding"), "");
    EXPECT_EQ(call.Header("x-amz-decoded-content-length"), "");
    EXPECT_EQ(call.Header("x-amz-trailer"), "");
    EXPECT_EQ(call.Header("content-length"), "0");
    EXPECT_EQ(call.Header("x-amz-content-sha256"), hash);
    const std::string name(ChecksumHeader(checksum));
    if (!name.empty()) {
      EXPECT_NE(call.Header(name), "") << "its checksum is a header";
    }
    (void)made.Put("x");
    EXPECT_EQ(made.store.calls().back().Header("content-encoding"),
              payload == kStreaming || trailer ? "aws-chunked" : "");
  }
}

}  // namespace
}  // namespace s3
