#include "s3/stores/store_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/client_fixture.h"

namespace s3 {
namespace store_context_test {

using std::chrono::hours;
using std::chrono::seconds;
using test::Answered;
using test::ErrorXml;
using test::IgnoreRetries;
using testing::HasSubstr;

std::string HttpDate(seconds offset) {
  const auto time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + offset);
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

// A client over a transport that follows a script.
struct Scripted {
  explicit Scripted(std::vector<HttpResponse> answers, DestinationOptions destination = {.bucket = "bucket"})
      : transport(std::move(answers)),
        store(destination, ResolveBucket(destination).value(),
              [this](std::string_view text) { notices.emplace_back(text); }),
        credentials(test::Fixed({"id", Secret("secret"), Secret("token")})),
        client(&store, &credentials, &free.admission, {.max_attempts = 1},
               {.checksum = ChecksumAlgorithm::kNone}, &transport, &waiter, {}) {}

  RetryResult Put() {
    return client.PutObject({"k", &none}, MakePayload("x", client.integrity()), "", IgnoreRetries);
  }
  std::string Signed(std::size_t request, std::string_view header) const {
    for (const auto& [name, value] : transport.requests.at(request).headers) {
      if (name == header) return value;
    }
    return "";
  }

  const ObjectProperties none;
  std::vector<std::string> notices;
  BlockingWaiter waiter;
  test::ScriptedTransport transport;
  StoreContextCache store;
  CredentialCache credentials;
  test::FreeAdmission free;
  Client client;
};

const HttpResponse kSuccess = Answered(200, {"ETag: \"e\""});

TEST(StoreContextCacheTest, ARegionInHeaderOrBodyIsLearntOnce) {
  const HttpResponse answers[] = {
      Answered(301, {"x-amz-bucket-region: eu-west-3"},
               ErrorXml("PermanentRedirect", "<Endpoint>evil.example</Endpoint>")),
      Answered(307, {"x-amz-bucket-region: eu-west-3", "Location: https://evil.example/k"},
               ErrorXml("TemporaryRedirect")),
      Answered(400, {}, ErrorXml("AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>")),
      Answered(400, {"x-amz-bucket-region: eu-west-3"}),  // as for HEAD
  };
  for (const auto& redirect : answers) {
    Scripted scripted({redirect, kSuccess, kSuccess});
    const auto result = scripted.Put();
    ASSERT_TRUE(result.response) << result.response.error().message;
    EXPECT_EQ(result.attempts, 1);
    EXPECT_TRUE(scripted.Put().response);
    const auto& requests = scripted.transport.requests;
    ASSERT_EQ(requests.size(), 3u) << "learnt for the whole run";
    EXPECT_EQ(requests[0].endpoint.host, "bucket.s3.us-east-1.amazonaws.com");
    for (const int i : {1, 2}) {
      EXPECT_EQ(requests[i].endpoint.host, "bucket.s3.eu-west-3.amazonaws.com") << "computed from the region";
      EXPECT_EQ(requests[i].endpoint.scheme, "https");
      EXPECT_THAT(scripted.Signed(i, "authorization"), HasSubstr("/eu-west-3/s3/aws4_request"));
    }
    EXPECT_EQ(scripted.notices.size(), 1u);
    EXPECT_THAT(scripted.notices.at(0), HasSubstr("region eu-west-3"));
  }
}

TEST(StoreContextCacheTest, ALoopOfRedirectsEndsAfterOneCorrection) {
  const auto to = [](const char* region) {
    return Answered(301, {std::string("x-amz-bucket-region: ") + region});
  };
  Scripted scripted({to("eu-west-1"), to("us-east-1")});
  const auto result = scripted.Put();
  EXPECT_EQ(result.response.error().kind, ErrorKind::kWrongRegion);
  EXPECT_EQ(scripted.transport.requests.size(), 2u);
}

TEST(StoreContextCacheTest, OnlyTheNameOfARegionIsLearnt) {
  for (const auto* region : {"", "us-east-1", "evil.example/", "EU", "a b", "x@evil"}) {
    Scripted scripted({Answered(301, {std::string("x-amz-bucket-region: ") + region})});
    EXPECT_EQ(scripted.Put().response.error().kind, ErrorKind::kWrongRegion) << region;
    EXPECT_EQ(scripted.transport.requests.size(), 1u) << region;
  }
}

TEST(StoreContextCacheTest, ACustomEndpointKeepsItsHost) {
  Scripted scripted(
      {Answered(400, {}, ErrorXml("AuthorizationHeaderMalformed", "<Region>garage</Region>")), kSuccess},
      {.bucket = "bucket", .endpoint = "http://127.0.0.1:1"});
  EXPECT_TRUE(scripted.Put().response);
  EXPECT_EQ(scripted.transport.requests.at(1).endpoint.host, "127.0.0.1");
  EXPECT_THAT(scripted.Signed(1, "authorization"), HasSubstr("/garage/s3/"));
}

TEST(StoreContextCacheTest, TheStoresClockIsLearntOnce) {
  for (const auto offset : {hours(-24), hours(-1), hours(1), hours(24)}) {
    const auto skewed = Answered(403, {"Date: " + HttpDate(offset)}, ErrorXml("RequestTimeTooSkewed"));
    Scripted scripted({skewed, kSuccess, kSuccess});
    const auto result = scripted.Put();
    ASSERT_TRUE(result.response) << result.response.error().message;
    EXPECT_EQ(result.attempts, 1) << "a correction does not count as an attempt";
    EXPECT_TRUE(scripted.Put().response);
    EXPECT_EQ(scripted.transport.requests.size(), 3u) << "exactly one more request";
    EXPECT_EQ(scripted.store.Current()->clock_offset / hours(1), offset / hours(1));
    const auto expected = AmzDate(std::chrono::system_clock::now() + offset);
    EXPECT_EQ(scripted.Signed(2, "x-amz-date").substr(0, 11), expected.substr(0, 11));
    EXPECT_THAT(scripted.notices.at(0), HasSubstr(offset.count() > 0 ? "ahead of" : "behind"));
  }
}

TEST(StoreContextCacheTest, UselessOrUnbelievableTimesAreNotLearnt) {
  const auto skewed = [](const std::string& date) {
    return Answered(403, {"Date: " + date}, ErrorXml("RequestTimeTooSkewed"));
  };
  for (const auto& date :
       {HttpDate(seconds(0)), HttpDate(hours(24 * 365)), std::string("yesterday"), std::string()}) {
    Scripted scripted({skewed(date)});
    EXPECT_EQ(scripted.Put().response.error().kind, ErrorKind::kClockSkewed) << date;
    EXPECT_EQ(scripted.transport.requests.size(), 1u) << date;
  }
  // A second correction in one attempt is not believed.
  Scripted scripted({skewed(HttpDate(hours(2))), skewed(HttpDate(hours(4)))});
  EXPECT_EQ(scripted.Put().response.error().kind, ErrorKind::kClockSkewed);
  EXPECT_EQ(scripted.transport.requests.size(), 2u);
  // The Date of another refusal changes nothing.
  Scripted other({Answered(500, {"Date: " + HttpDate(hours(5))}), kSuccess});
  EXPECT_FALSE(other.Put().response);
  EXPECT_EQ(other.store.Current()->clock_offset, seconds(0));
}

TEST(StoreContextCacheTest, TheStoresClockIsLearntFromARefusalWithoutABody) {
  Scripted scripted({Answered(403, {"Date: " + HttpDate(hours(1))}), kSuccess});
  EXPECT_TRUE(scripted.Put().response) << "as HeadObject is refused";
  EXPECT_EQ(scripted.store.Current()->clock_offset / hours(1), 1);
  // With the right clock it is a refusal.
  const auto refused = Answered(403, {"Date: " + HttpDate(hours(1))});
  Scripted denied({refused, refused});
  EXPECT_EQ(denied.Put().response.error().kind, ErrorKind::kAccessDenied);
  EXPECT_EQ(denied.transport.requests.size(), 2u);
  EXPECT_EQ(denied.store.Current()->clock_offset, seconds(0)) << "a proxy may have sent the Date";
  EXPECT_THAT(denied.notices, testing::IsEmpty());
}

TEST(StoreContextCacheTest, RegionAndClockCanBeCorrectedInOneAttempt) {
  Scripted scripted({Answered(403, {"Date: " + HttpDate(hours(3))}, ErrorXml("RequestTimeTooSkewed")),
                     Answered(301, {"x-amz-bucket-region: eu-west-1"}), kSuccess});
  EXPECT_TRUE(scripted.Put().response);
  EXPECT_EQ(scripted.notices.size(), 2u);
}

TEST(StoreContextCacheTest, TheRegionOfTheEmbeddedEndpointIsLearnt) {
  test::ClientFixture fixture(test::WithBucket(), {}, 8, "eu-central-1");
  const auto result = fixture.Put("k", "x");
  ASSERT_TRUE(result.response) << result.response.error().message;
  EXPECT_EQ(fixture.Stored("k"), "x");
  EXPECT_EQ(fixture.facts.Current()->region, "us-east-1");
  EXPECT_EQ(fixture.notices.size(), 1u);
}

}  // namespace store_context_test
}  // namespace s3
