// The embedded endpoint, driven by the client: signatures, checks, faults and listings.
#include "s3/endpoint/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "s3/client/client.h"
#include "s3/endpoint/listing.h"
#include "s3/endpoint/verify.h"
#include "s3/stores/store_profiles.h"
#include "s3/transport/event_loop.h"
#include "tests/support/support.h"

namespace s3 {
namespace {

using endpoint::FaultAction;
using endpoint::FaultRule;
using endpoint::Server;
using endpoint::ServerOptions;

ServerOptions WithBucket(std::vector<FaultRule> faults = {}) {
  ServerOptions options;
  options.buckets = {"bucket"};
  options.faults = std::move(faults);
  return options;
}

// One client of one server.
struct Fixture {
  explicit Fixture(ServerOptions server_options, std::optional<Credentials> credentials = std::nullopt,
                   std::string region = "us-east-1")
      : silent(!server_options.faults.empty() && server_options.faults[0].action == FaultAction::kNoResponse),
        server(std::move(server_options)),
        options([&] {
          auto quick = test::OptionsFor(server);
          quick.destination.region = region;
          // Short only where a fault makes the endpoint silent: a busy machine is no timeout.
          if (silent) quick.transport.stall_window = std::chrono::milliseconds(150);
          return quick;
        }()),
        loop(options.transport, 8),
        facts(options.destination, ResolveBucket(options.destination).value(), nullptr),
        cache(test::Fixed(credentials.value_or(server.credentials()))),
        client(&facts, &cache, &free.admission, options.retry,
               ResolveIntegrity(options.integrity, options.destination), &loop, &waiter, {}) {}

  RetryResult Put(std::string_view key, std::string_view body) {
    static const ObjectProperties kNone;
    return client.PutObject({key, &kNone}, MakePayload(body, client.integrity()), "",
                            [](const RetryEvent&) {});
  }
  std::string Stored(const std::string& key) {
    const auto data = server.store().Get("bucket", key);
    return data ? data->Read(0, 1 << 20) : "(absent)";
  }

  const bool silent;
  Server server;
  Options options;
  BlockingWaiter waiter;
  EventLoop loop;
  StoreContextCache facts;
  CredentialCache cache;
  test::FreeAdmission free;
  Client client;
};

TEST(EndpointTest, RandomKeysOverAllByteClassesRoundTrip) {
  auto random = test::SeededRandom();
  const std::string classes[] = {"abcXYZ019",           "-._~",
                                 " +%?#&=:;@!$'()*,[]", "/",
                                 "\n\r\t\x01\x1f\x7f",  "\xc3\xa9\xf0\x9f\x98\x80",
                                 "\xff\xfe\x80",        "\"<>\\^`{|}"};
  Fixture fixture(WithBucket());
  for (int i = 0; i < 2000; ++i) {
    std::string key;
    for (auto size = 1 + random() % 60; size > 0; --size) {
      const auto& set = classes[random() % std::size(classes)];
      key += set[random() % set.size()];
    }
    const auto settled = fixture.Put(key, key);
    ASSERT_TRUE(settled.answer) << "key " << HexEncode(key) << ": " << settled.answer.error().message;
    ASSERT_EQ(fixture.Stored(key), key) << HexEncode(key);
  }
  EXPECT_EQ(fixture.server.stats().refused_signatures, 0u);
}

TEST(EndpointTest, KeysThatPathsWouldNormaliseStayApart) {
  Fixture fixture(WithBucket());
  const std::vector<std::string> keys{"a/../b", "b", "a/./b", "a//b", "/b", "//b", "a/", ".", "..", "../b"};
  for (const auto& key : keys) ASSERT_TRUE(fixture.Put(key, key).answer) << key;
  for (const auto& key : keys) EXPECT_EQ(fixture.Stored(key), key);
  EXPECT_EQ(fixture.server.store().CountObjects("bucket"), keys.size());
}

// Above 1 MiB the transport asks first (Expect: 100-continue), and the body comes in many pieces.
TEST(EndpointTest, BodiesOfAllSizesArriveWhole) {
  Fixture fixture(WithBucket());
  auto random = test::SeededRandom();
  for (const std::size_t size : {0u, 1u, 65'535u, 262'144u, 262'145u, (1u << 20) + 1, 5u << 20}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; i += 7) body[i] = static_cast<char>(random());
    ASSERT_TRUE(fixture.Put("k", body).answer) << size;
    const auto info = fixture.server.store().Head("bucket", "k");
    EXPECT_EQ(info->size_bytes, size);
    EXPECT_EQ(info->sha256, Sha256Hex(body));
  }
}

TEST(EndpointTest, HeadTellsWhatPutStored) {
  Fixture fixture(WithBucket());
  const auto put = fixture.Put("k", "twelve bytes");
  const auto head = fixture.client.HeadObject({"k"}, [](const RetryEvent&) {});
  ASSERT_TRUE(head.answer);
  EXPECT_EQ(head.answer->etag, put.answer->etag);
  EXPECT_EQ(head.answer->content_length, 12u);
  EXPECT_EQ(fixture.client.HeadObject({"gone"}, [](const RetryEvent&) {}).answer.error().http_status, 404);
}

TEST(EndpointTest, RefusesWhatIsNotSignedRight) {
  const std::tuple<Credentials, std::string, std::string> cases[] = {
      {{"known", Secret("wrong"), Secret()}, "us-east-1", "SignatureDoesNotMatch"},
      {{"known", Secret(), Secret()}, "us-east-1", "SignatureDoesNotMatch"},
      {{"nobody", Secret("its-secret"), Secret()}, "us-east-1", "InvalidAccessKeyId"},
      {{"", Secret("its-secret"), Secret()}, "us-east-1", "InvalidAccessKeyId"},
  };
  for (const auto& [credentials, region, code] : cases) {
    auto server_options = WithBucket();
    server_options.access_key_id = "known";
    server_options.secret_access_key = Secret("its-secret");
    Fixture fixture(std::move(server_options), credentials, region);
    const auto settled = fixture.Put("k", "body");
    ASSERT_FALSE(settled.answer);
    EXPECT_EQ(settled.answer.error().code, code);
    EXPECT_EQ(settled.attempts, 1);
    EXPECT_EQ(fixture.Stored("k"), "(absent)");
  }
}

TEST(EndpointTest, RefusesAPayloadThatIsNotTheSignedOne) {
  Fixture fixture(WithBucket());
  const ObjectProperties none;
  auto payload = MakePayload("sent", {.checksum = ChecksumAlgorithm::kNone});
  payload.sha256 = Sha256Hex("promised");
  const auto settled = fixture.client.PutObject({"k", &none}, payload, "", [](const RetryEvent&) {});
  ASSERT_FALSE(settled.answer);
  EXPECT_EQ(settled.answer.error().code, "XAmzContentSHA256Mismatch");
  EXPECT_EQ(settled.answer.error().kind, ErrorKind::kIntegrity);
  EXPECT_EQ(settled.attempts, fixture.options.retry.max_attempts);
  EXPECT_EQ(fixture.Stored("k"), "(absent)");
}

TEST(EndpointTest, CredentialsAreRandomUnlessTheyAreGiven) {
  std::set<std::string> secrets, ids;
  for (int i = 0; i < 3; ++i) {
    Fixture fixture(WithBucket());
    EXPECT_TRUE(fixture.Put("k", "x").answer);
    const auto credentials = fixture.server.credentials();
    EXPECT_EQ(credentials.access_key_id.size(), 20u);
    EXPECT_EQ(credentials.secret_access_key.Reveal().size(), 40u);
    ids.insert(credentials.access_key_id);
    secrets.insert(std::string(credentials.secret_access_key.Reveal()));
  }
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_EQ(secrets.size(), 3u);
  auto half = WithBucket();
  half.access_key_id = "alone";
  EXPECT_THROW(Server{half}, std::runtime_error);
  // Verification without any lets nobody in.
  endpoint::Call call;
  call.headers = {
      {"authorization", "AWS4-HMAC-SHA256 Credential=/20200101/us-east-1/s3/aws4_request, Signature="}};
  EXPECT_TRUE(endpoint::VerifySignature(call, {}, std::chrono::system_clock::now()));
}

TEST(EndpointTest, UnknownBucket) {
  ServerOptions options;
  options.buckets = {"other"};
  Fixture fixture(std::move(options));
  EXPECT_EQ(fixture.Put("k", "x").answer.error().kind, ErrorKind::kNoSuchBucket);
}

TEST(EndpointTest, ClockAnHourOffIsRefused) {
  Server server(WithBucket());
  const auto options = test::OptionsFor(server);
  EventLoop loop(options.transport, 1);
  const auto bucket = ResolveBucket(options.destination).value().front();
  for (const auto hours : {-1, 1}) {
    auto request = BuildPutObject(bucket, {"k"}, "");
    Signer("us-east-1")
        .SignHeaders(&request, Sha256Hex(""), server.credentials(),
                     std::chrono::system_clock::now() + std::chrono::hours(hours));
    HttpResponse response;
    BlockingWaiter().Wait([&](Wake wake) { loop.Send(HttpRequest(request), &response, wake); });
    EXPECT_EQ(ClassifyResponse(response, true).error().kind, ErrorKind::kClockSkewed);
  }
}

TEST(EndpointTest, DatesOfOtherMillenniaAreRefused) {
  for (const auto* date : {"99991231T235959Z", "00010101T000000Z", "30191231T000000Z"}) {
    endpoint::Call call;
    call.method = "GET";
    call.target = "/bucket/k";
    call.headers = {{"host", "h"},
                    {"x-amz-date", date},
                    {"authorization",
                     "AWS4-HMAC-SHA256 Credential=s3flow/20200101/us-east-1/s3/aws4_request, "
                     "SignedHeaders=host, Signature=0"}};
    ASSERT_TRUE(endpoint::ParseTarget(&call));
    ServerOptions options;
    options.access_key_id = "s3flow";
    const auto refusal = endpoint::VerifySignature(call, options, std::chrono::system_clock::now());
    ASSERT_TRUE(refusal) << date;
    EXPECT_THAT(refusal->body, testing::HasSubstr("RequestTimeTooSkewed")) << date;
  }
}

TEST(EndpointTest, PresignedPutIsTakenUntilItExpires) {
  Server server(WithBucket());
  const auto options = test::OptionsFor(server);
  EventLoop loop(options.transport, 1);
  const auto bucket = ResolveBucket(options.destination).value().front();
  const auto put = [&](std::chrono::seconds age) {
    auto request = BuildPutObject(bucket, {"presigned"}, "");
    request.body = "x";
    Signer("us-east-1")
        .SignQuery(&request, kUnsignedPayload, server.credentials(), std::chrono::system_clock::now() - age,
                   std::chrono::seconds(60));
    HttpResponse response;
    BlockingWaiter().Wait([&](Wake wake) { loop.Send(HttpRequest(request), &response, wake); });
    return response.status;
  };
  EXPECT_EQ(put(std::chrono::seconds(0)), 200);
  EXPECT_EQ(put(std::chrono::seconds(120)), 403);
}

struct FaultCase {
  const char* name;
  FaultRule rule;
  bool stored_by_the_faulty_attempt;
};

class FaultTest : public testing::TestWithParam<FaultCase> {};

// Fails the first attempt, then the first two, and so on: the upload ends well as long as attempts
// last, and every fault asked for was injected.
TEST_P(FaultTest, IsRetriedUntilItPasses) {
  for (int failures = 1; failures <= 3; ++failures) {
    auto rule = GetParam().rule;
    rule.last_attempt = failures;
    Fixture fixture(WithBucket({rule}));
    const std::string body(100'000, 'b');
    const auto settled = fixture.Put("k", body);
    ASSERT_TRUE(settled.answer) << settled.answer.error().message;
    EXPECT_EQ(fixture.server.stats().faults_injected, static_cast<std::uint64_t>(failures));
    EXPECT_EQ(fixture.Stored("k").size(), body.size());
  }
}

TEST_P(FaultTest, ThatLastsIsAFailureAndNeverASuccess) {
  auto rule = GetParam().rule;
  rule.last_attempt = 1000;
  Fixture fixture(WithBucket({rule}));
  const auto settled = fixture.Put("k", "body");
  ASSERT_FALSE(settled.answer);
  EXPECT_TRUE(IsRetryable(settled.answer.error().kind));
  EXPECT_EQ(settled.attempts, fixture.options.retry.max_attempts);
  EXPECT_EQ(fixture.Stored("k") != "(absent)", GetParam().stored_by_the_faulty_attempt);
}

FaultRule Rule(FaultAction action) {
  FaultRule rule;
  rule.action = action;
  return rule;
}
FaultRule StatusRule(int status, std::string code) {
  auto rule = Rule(FaultAction::kStatus);
  rule.status = status;
  rule.code = std::move(code);
  return rule;
}
FaultRule ResetInBody(std::uint64_t after_bytes) {
  auto rule = Rule(FaultAction::kResetInBody);
  rule.after_bytes = after_bytes;
  return rule;
}

INSTANTIATE_TEST_SUITE_P(All, FaultTest,
                         testing::Values(FaultCase{"InternalError", StatusRule(500, "InternalError"), false},
                                         FaultCase{"BadGateway", StatusRule(502, "BadGateway"), false},
                                         FaultCase{"SlowDown", StatusRule(503, "SlowDown"), false},
                                         FaultCase{"RequestTimeout", StatusRule(400, "RequestTimeout"),
                                                   false},
                                         FaultCase{"BadDigest", StatusRule(400, "BadDigest"), false},
                                         FaultCase{"ResetBeforeBody", Rule(FaultAction::kResetBefore), false},
                                         FaultCase{"ResetAtOnce", ResetInBody(0), false},
                                         FaultCase{"ResetInBody", ResetInBody(50'000), false},
                                         FaultCase{"NoAnswer", Rule(FaultAction::kNoResponse), false},
                                         FaultCase{"LostAnswer", Rule(FaultAction::kLostResponse), true}),
                         [](const auto& test_case) { return test_case.param.name; });

TEST(FaultRulesTest, DelayOnlyDelays) {
  auto rule = Rule(FaultAction::kDelay);
  rule.delay = std::chrono::milliseconds(20);
  Fixture fixture(WithBucket({rule}));
  const auto settled = fixture.Put("k", "x");
  EXPECT_TRUE(settled.answer);
  EXPECT_EQ(settled.attempts, 1);
  EXPECT_EQ(fixture.server.stats().faults_injected, 1u);
}

TEST(FaultRulesTest, AWrongEtagIsNoticedAndTheObjectSentAgain) {
  Fixture fixture(WithBucket({Rule(FaultAction::kWrongEtag)}));
  const auto settled = fixture.Put("k", "x");
  EXPECT_EQ(settled.answer->etag, "\"" + HexEncode(AsBytes(Md5("x"))) + "\"");
  EXPECT_EQ(settled.attempts, 2);
  EXPECT_EQ(fixture.server.stats().faults_injected, 1u);
}

TEST(FaultRulesTest, RulesChooseByOperationAndKey) {
  auto rule = StatusRule(403, "AccessDenied");
  rule.operation = "PutObject";
  rule.key = "in/**";
  Fixture fixture(WithBucket({rule}));
  EXPECT_TRUE(fixture.Put("out/k", "x").answer);
  EXPECT_EQ(fixture.Put("in/k", "x").answer.error().kind, ErrorKind::kAccessDenied);
  EXPECT_TRUE(fixture.Put("in/k", "x").answer) << "attempts are counted for each key";
}

TEST(StoreTest, DirectoryIsFoundAgain) {
  test::TempDir directory;
  ServerOptions options = WithBucket();
  options.storage = endpoint::Storage::kDirectory;
  options.directory = directory.path();
  const std::string odd_key = "odd/\xff\n key";
  {
    Fixture fixture(options);
    EXPECT_TRUE(fixture.Put(odd_key, "first").answer);
    EXPECT_TRUE(fixture.Put(odd_key, "second").answer);
    EXPECT_TRUE(fixture.Put("gone", "x").answer);
    fixture.server.store().DeleteObject("bucket", "gone");
  }
  endpoint::Store store(endpoint::Storage::kDirectory, directory.path());
  EXPECT_EQ(store.CountObjects("bucket"), 1u);
  EXPECT_EQ(store.Get("bucket", odd_key)->Read(0, 100), "second");
}

TEST(StoreTest, DiscardKeepsTheDigestsOnly) {
  ServerOptions options = WithBucket();
  options.storage = endpoint::Storage::kDiscard;
  Fixture fixture(options);
  EXPECT_TRUE(fixture.Put("k", "abc").answer);
  EXPECT_EQ(fixture.server.store().Head("bucket", "k")->sha256, Sha256Hex("abc"));
  EXPECT_EQ(fixture.server.store().Get("bucket", "k"), nullptr);
}

TEST(ListingTest, PagesAndDelimitersListEveryKeyOnce) {
  endpoint::Store store(endpoint::Storage::kDiscard, "");
  store.CreateBucket("bucket");
  std::set<std::string> expected;
  for (int i = 0; i < 30; ++i) {
    expected.insert("d" + std::to_string(i % 3) + "/k" + std::to_string(i));
    expected.insert("top" + std::to_string(i));
  }
  for (const auto& key : expected) store.Commit({{}}, "bucket", key, {}, false);
  std::set<std::string> flat, grouped;
  const auto collect = [&](std::string delimiter, std::set<std::string>* out) {
    std::string token;
    for (int page = 0; page < 100; ++page) {
      endpoint::Call call;
      call.operation = "ListObjectsV2";
      call.bucket = "bucket";
      call.query = {{"max-keys", "7"}};
      if (!delimiter.empty()) call.query.emplace_back("delimiter", delimiter);
      if (!token.empty()) call.query.emplace_back("continuation-token", token);
      const auto xml = endpoint::ListObjects(store, call).body;
      for (const auto* tag : {"<Contents><Key>", "<CommonPrefixes><Prefix>"}) {
        for (auto at = xml.find(tag); at != std::string::npos; at = xml.find(tag, at + 1)) {
          const auto begin = at + std::strlen(tag);
          EXPECT_TRUE(out->insert(xml.substr(begin, xml.find('<', begin) - begin)).second) << "listed twice";
        }
      }
      const auto next = xml.find("<NextContinuationToken>");
      if (next == std::string::npos) return;
      token = xml.substr(next + 23, xml.find('<', next + 23) - next - 23);
    }
    FAIL() << "no last page";
  };
  collect("", &flat);
  EXPECT_EQ(flat, expected);
  collect("/", &grouped);
  EXPECT_EQ(grouped.size(), 33u);
  EXPECT_TRUE(grouped.contains("d1/"));
}

}  // namespace
}  // namespace s3
