#include "s3/endpoint/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "s3/endpoint/verify.h"
#include "tests/support/endpoint_fixture.h"

namespace s3 {
namespace server_test {

namespace fs = std::filesystem;
using endpoint::Server;
using endpoint::ServerOptions;
using test::ClientFixture;
using test::EndpointFixture;
using test::WithBucket;

TEST(Server, KeysOfAnyBytesAreStoredAsTheyAre) {
  auto random = test::SeededRandom();
  const std::string classes[] = {"abcXYZ019",           "-._~",
                                 " +%?#&=:;@!$'()*,[]", "/",
                                 "\n\r\t\x01\x1f\x7f",  "\xc3\xa9\xf0\x9f\x98\x80",
                                 "\xff\xfe\x80",        "\"<>\\^`{|}"};
  EndpointFixture fixture(WithBucket());
  for (int i = 0; i < 2000; ++i) {
    std::string key;
    for (auto size = 1 + random() % 60; size > 0; --size) {
      const auto& set = classes[random() % std::size(classes)];
      key += set[random() % set.size()];
    }
    const auto result = fixture.Put(key, key);
    ASSERT_TRUE(result.response) << "key " << HexEncode(key) << ": " << result.response.error().message;
    ASSERT_EQ(fixture.Stored(key), key) << HexEncode(key);
  }
  EXPECT_EQ(fixture.server.stats().refused_signatures, 0u);
}

TEST(Server, KeysAreNotNormalisedLikePaths) {
  EndpointFixture fixture(WithBucket());
  const std::vector<std::string> keys{"a/../b", "b", "a/./b", "a//b", "/b", "//b", "a/", ".", "..", "../b"};
  for (const auto& key : keys) ASSERT_TRUE(fixture.Put(key, key).response) << key;
  for (const auto& key : keys) EXPECT_EQ(fixture.Stored(key), key);
  EXPECT_EQ(fixture.server.store().CountObjects("bucket"), keys.size());
}

// Above 1 MiB the transport sends Expect: 100-continue, and the body arrives in many pieces.
TEST(Server, BodiesOfAllSizesArriveComplete) {
  EndpointFixture fixture(WithBucket());
  auto random = test::SeededRandom();
  for (const std::size_t size : {0u, 1u, 65'535u, 262'144u, 262'145u, (1u << 20) + 1, 5u << 20}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; i += 7) body[i] = static_cast<char>(random());
    ASSERT_TRUE(fixture.Put("k", body).response) << size;
    const auto info = fixture.server.store().Head("bucket", "k");
    EXPECT_EQ(info->size_bytes, size);
    EXPECT_EQ(info->sha256, Sha256Hex(body));
  }
}

TEST(Server, HeadReturnsWhatPutStored) {
  EndpointFixture fixture(WithBucket());
  const auto put = fixture.Put("k", "twelve bytes");
  const auto head = fixture.client.HeadObject({"k"}, [](const RetryEvent&) {});
  ASSERT_TRUE(head.response);
  EXPECT_EQ(head.response->etag, put.response->etag);
  EXPECT_EQ(head.response->content_length, 12u);
  EXPECT_EQ(fixture.client.HeadObject({"gone"}, [](const RetryEvent&) {}).response.error().http_status, 404);
}

TEST(Server, AnUnknownBucketIsRefused) {
  ServerOptions options;
  options.buckets = {"other"};
  EndpointFixture fixture(std::move(options));
  EXPECT_EQ(fixture.Put("k", "x").response.error().kind, ErrorKind::kNoSuchBucket);
}

TEST(Server, CredentialsAreRandomUnlessTheyAreGiven) {
  std::set<std::string> secrets, ids;
  for (int i = 0; i < 3; ++i) {
    EndpointFixture fixture(WithBucket());
    EXPECT_TRUE(fixture.Put("k", "x").response);
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
  // Without credentials every signature is refused.
  endpoint::Call call;
  call.headers = {
      {"authorization", "AWS4-HMAC-SHA256 Credential=/20200101/us-east-1/s3/aws4_request, Signature="}};
  EXPECT_TRUE(endpoint::VerifySignature(call, {}, std::chrono::system_clock::now()));
}

TEST(Server, ADiskErrorIsAReplyAndTheServerContinues) {
  const test::TempDir directory;
  auto server_options = WithBucket();
  server_options.storage = endpoint::Storage::kDirectory;
  server_options.directory = directory / "store";
  ClientFixture fixture(server_options, {}, 2);
  fs::remove_all(directory / "store");
  const auto result = fixture.Put("k", "x");
  ASSERT_FALSE(result.response);
  EXPECT_EQ(result.response.error().code, "InternalError");
  EXPECT_EQ(result.attempts, 2);
  fs::create_directories(directory / "store/.uploads");
  fs::create_directories(directory / "store/bucket");
  EXPECT_TRUE(fixture.Put("k", "x").response) << "the server continues";
}

}  // namespace server_test
}  // namespace s3
