#include "s3/endpoint/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/endpoint_fixture.h"

namespace s3 {
namespace verify_test {

using endpoint::Server;
using endpoint::ServerOptions;
using test::EndpointFixture;
using test::WithBucket;

TEST(Verify, WrongKeysAreRefused) {
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
    EndpointFixture fixture(std::move(server_options), credentials, region);
    const auto result = fixture.Put("k", "body");
    ASSERT_FALSE(result.response);
    EXPECT_EQ(result.response.error().code, code);
    EXPECT_EQ(result.attempts, 1);
    EXPECT_EQ(fixture.Stored("k"), "(absent)");
  }
}

TEST(Verify, AClockThatIsAnHourOffIsRefused) {
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

TEST(Verify, DatesOfOtherMillenniaAreRefused) {
  for (const auto* date : {"99991231T235959Z", "00010101T000000Z", "30191231T000000Z"}) {
    endpoint::Call call;
    call.method = "GET";
    call.target = "/bucket/k";
    call.headers = {{"host", "h"},
                    {"x-amz-date", date},
                    {"authorization",
                     "AWS4-HMAC-SHA256 Credential=s3flow/20200101/us-east-1/s3/aws4_request, "
                     "SignedHeaders=host, Signature=0"}};
    ASSERT_TRUE(endpoint::ParseTarget(&call, ""));
    ServerOptions options;
    options.access_key_id = "s3flow";
    const auto refusal = endpoint::VerifySignature(call, options, std::chrono::system_clock::now());
    ASSERT_TRUE(refusal) << date;
    EXPECT_THAT(refusal->body, testing::HasSubstr("RequestTimeTooSkewed")) << date;
  }
}

TEST(Verify, APresignedPutIsAcceptedUntilItExpires) {
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

}  // namespace verify_test
}  // namespace s3
