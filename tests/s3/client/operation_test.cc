#include "s3/client/operation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

namespace s3 {
namespace operation_test {

using testing::HasSubstr;
using testing::Not;

class PrepareTest : public testing::Test {
 protected:
  static std::string Find(const HttpRequest& request, std::string_view name) {
    for (const auto& header : request.headers) {
      if (header.name == name) return header.value;
    }
    return "";
  }
  HttpRequest Build(const BucketAddress& bucket) const {
    return BuildPutObject(bucket, {"key", &properties_}, "token");
  }

  const Credentials credentials_{"id", Secret("secret-access-key"), Secret("session-token")};
  ObjectProperties properties_;
  StoreContext context_{{{Endpoint{"http", "first", 80}, "/b/"}, {Endpoint{"http", "second", 80}, "/b/"}},
                        "eu-west-1",
                        std::chrono::hours(24 * 365),
                        std::make_shared<Signer>("eu-west-1"),
                        {}};
  const Operation operation_{.build = [this](const BucketAddress& bucket) { return Build(bucket); }};
};

TEST_F(PrepareTest, SignsForTheChosenEndpointByTheStoresClock) {
  auto prepared = Prepare(operation_, context_, 1, credentials_, {});
  const auto& request = prepared.http();
  EXPECT_EQ(request.endpoint.host, "second");
  EXPECT_THAT(Find(request, "authorization"), HasSubstr("/eu-west-1/s3/aws4_request"));
  const auto expected = AmzDate(std::chrono::system_clock::now() + context_.clock_offset);
  EXPECT_EQ(Find(request, "x-amz-date").substr(0, 6), expected.substr(0, 6));
}

TEST_F(PrepareTest, LeavesOutRefusedAndOmittedHeaders) {
  properties_.Set("x-amz-meta-a", "1");
  properties_.Set("x-amz-meta-b", "2");
  properties_.Set("x-amz-meta-c", "3");
  context_.refused_headers = {"x-amz-meta-a"};
  auto prepared = Prepare(operation_, context_, 0, credentials_, {"x-amz-meta-b"});
  EXPECT_EQ(Find(prepared.http(), "x-amz-meta-a"), "");
  EXPECT_EQ(Find(prepared.http(), "x-amz-meta-b"), "");
  EXPECT_EQ(Find(prepared.http(), "x-amz-meta-c"), "3");
  EXPECT_THAT(Find(prepared.http(), "authorization"), Not(HasSubstr("x-amz-meta-b")));
}

TEST_F(PrepareTest, KeepsTheFramingThatTheBodyPointsTo) {
  const auto payload =
      MakePayload("content", {.payload = PayloadMode::kStreaming, .checksum = ChecksumAlgorithm::kNone});
  auto operation = operation_;
  operation.payload = &payload;
  auto prepared = Prepare(operation, context_, 0, credentials_, {});
  auto moved = std::move(prepared);
  std::string body;
  for (const auto piece : moved.http().body_pieces) body += piece;
  EXPECT_TRUE(body.starts_with("7;chunk-signature=")) << body;
  EXPECT_THAT(body, HasSubstr("\r\ncontent\r\n0;chunk-signature="));
}

TEST_F(PrepareTest, RedactsEverySecretValueOfTheRequest) {
  properties_.Set("x-amz-meta-note", "a value from the environment");
  properties_.Set("x-amz-tagging", "project=the%20secret%20project");
  properties_.Set("x-amz-storage-class", "INTELLIGENT_TIERING");
  SetCustomerKey(std::string(32, 'k'), &properties_);
  auto prepared = Prepare(operation_, context_, 0, credentials_, {});
  const HttpRequest sent = std::move(prepared.http());
  std::string text = "secret-access-key session-token 'a value from the environment' 'the secret project' " +
                     std::string(properties_.customer_key().Reveal()) + " INTELLIGENT_TIERING";
  prepared.RedactSecretsIn(&text);
  for (const auto* secret : {"secret-access", "session-tok", "environment", "secret project"}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(text, Not(HasSubstr(std::string(properties_.customer_key().Reveal().substr(0, 12)))));
  EXPECT_THAT(text, HasSubstr("INTELLIGENT_TIERING")) << "S3's own words are no secrets";
}

}  // namespace operation_test
}  // namespace s3
