#include "s3/api/classify_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace s3 {
namespace classify_response_test {

using test::Answered;
using test::ErrorXml;
using testing::HasSubstr;

ErrorKind KindOf(const HttpResponse& response) {
  const auto classified = ClassifyResponse(response, true);
  EXPECT_FALSE(classified);
  return classified ? ErrorKind::kPermanent : classified.error().kind;
}

TEST(ClassifyResponse, ASuccessKeepsItsFields) {
  const auto classified = ClassifyResponse(
      Answered(200, {"ETag: \"e\"", "x-amz-version-id: v", "x-amz-request-id: r", "Content-Length: 7"}),
      true);
  ASSERT_TRUE(classified);
  EXPECT_EQ(classified->etag, "\"e\"");
  EXPECT_EQ(classified->version_id, "v");
  EXPECT_EQ(classified->request_id, "r");
  EXPECT_EQ(classified->content_length, 7u);
}

TEST(ClassifyResponse, WithoutABodyTheStatusDecides) {
  using enum ErrorKind;
  const std::pair<int, ErrorKind> cases[] = {
      {301, kWrongRegion},  {307, kWrongRegion}, {400, kTransient}, {401, kAccessDenied},
      {403, kAccessDenied}, {404, kPermanent},   {408, kTransient}, {412, kPermanent},
      {429, kThrottled},    {500, kTransient},   {501, kPermanent}, {502, kTransient},
      {503, kThrottled},    {504, kTransient},   {507, kStoreFull}, {599, kTransient}};
  for (const auto& [status, kind] : cases) EXPECT_EQ(KindOf(Answered(status)), kind) << status;
}

TEST(ClassifyResponse, ACodeOverridesTheStatus) {
  using enum ErrorKind;
  const std::pair<const char*, ErrorKind> cases[] = {{"RequestTimeout", kTransient},
                                                     {"SlowDown", kThrottled},
                                                     {"RequestTimeTooSkewed", kClockSkewed},
                                                     {"ExpiredToken", kExpiredCredentials},
                                                     {"BadDigest", kIntegrity},
                                                     {"InvalidAccessKeyId", kBadCredentials},
                                                     {"SignatureDoesNotMatch", kBadCredentials},
                                                     {"NoSuchBucket", kNoSuchBucket},
                                                     {"AuthorizationHeaderMalformed", kWrongRegion},
                                                     {"AccessDenied", kAccessDenied},
                                                     {"QuotaExceeded", kStoreFull},
                                                     {"XMinioStorageFull", kStoreFull},
                                                     {"NoSuchThing", kPermanent}};
  for (const auto& [code, kind] : cases) EXPECT_EQ(KindOf(Answered(400, {}, ErrorXml(code))), kind) << code;
}

TEST(ClassifyResponse, AnErrorInTheBodyOfA200IsAnError) {
  EXPECT_EQ(KindOf(Answered(200, {"ETag: \"e\""}, "\n  " + ErrorXml("InternalError"))),
            ErrorKind::kTransient);
}

TEST(ClassifyResponse, ASuccessWithoutAnETagIsAnError) {
  EXPECT_EQ(KindOf(Answered(200)), ErrorKind::kTransient);
  EXPECT_TRUE(ClassifyResponse(Answered(200), false));
}

TEST(ClassifyResponse, AFullDiskInAnInternalErrorMeansThatTheStoreIsFull) {
  for (const std::string text : {"write: No space left on device", "Disk quota exceeded"}) {
    const auto body = "<Error><Code>InternalError</Code><Message>" + text + "</Message></Error>";
    EXPECT_EQ(KindOf(Answered(500, {}, body)), ErrorKind::kStoreFull) << text;
    EXPECT_EQ(
        KindOf(Answered(400, {}, "<Error><Code>InvalidTag</Code><Message>" + text + "</Message></Error>")),
        ErrorKind::kPermanent)
        << text;
  }
}

TEST(ClassifyResponse, AServerThatExpectsTlsIsAWrongEndpoint) {
  for (const char* body : {"Client sent an HTTP request to an HTTPS server.\n",
                           "<html><center>The plain HTTP request was sent to HTTPS port</center></html>",
                           "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />"}) {
    EXPECT_EQ(KindOf(Answered(400, {}, body)), ErrorKind::kWrongEndpoint) << body;
  }
  EXPECT_EQ(KindOf(Answered(400, {}, "<html>Bad Request</html>")), ErrorKind::kTransient);
}

TEST(ClassifyResponse, TheMessageNamesTheRegion) {
  EXPECT_THAT(ClassifyResponse(Answered(301, {"x-amz-bucket-region: eu-west-1"}), true).error().message,
              HasSubstr("region eu-west-1"));
  EXPECT_THAT(
      ClassifyResponse(
          Answered(400, {}, ErrorXml("AuthorizationHeaderMalformed", "<Region>eu-west-2</Region>")), true)
          .error()
          .message,
      HasSubstr("region eu-west-2"));
}

TEST(ClassifyResponse, WithoutARegionTheStoresMessageIsShown) {
  EXPECT_EQ(
      ClassifyResponse(Answered(400, {}, ErrorXml("AuthorizationHeaderMalformed")), true).error().message,
      "told so");
}

TEST(ClassifyResponse, SecretsInErrorBodiesAreNotShown) {
  const auto error =
      ClassifyResponse(Answered(400, {}, ErrorXml("ExpiredToken", "<Token-0>SESSIONTOKEN</Token-0>")), true)
          .error();
  EXPECT_EQ(error.message, "told so");
  EXPECT_EQ(error.code, "ExpiredToken");
}

TEST(ClassifyResponse, HostileBodiesAreHarmless) {
  for (const std::string& body :
       {std::string(100'000, '<'), std::string("<Error><Code>"), std::string("\0\1\2", 3),
        "<Error><Code>" + std::string(500'000, 'x') + "</Code></Error>",
        std::string("<!DOCTYPE x [<!ENTITY a 'b'>]><Error/>")}) {
    const auto error = ClassifyResponse(Answered(500, {}, body), true).error();
    EXPECT_EQ(error.kind, ErrorKind::kTransient);
    EXPECT_LE(error.code.size(), 64u);
    EXPECT_LE(error.message.size(), 512u);
  }
}

TEST(ClassifyResponse, ControlCharactersBecomeSpaces) {
  const auto error =
      ClassifyResponse(Answered(400, {}, "<Error><Code>X</Code><Message>a\x1b[2Jb\nc</Message></Error>"),
                       true)
          .error();
  EXPECT_EQ(error.message, "a [2Jb c");
}

TEST(ClassifyResponse, RetryAfterIsReadAndLimited) {
  using std::chrono::milliseconds;
  const auto error = [](std::string header) {
    return ClassifyResponse(Answered(503, {std::move(header)}), true).error();
  };
  EXPECT_EQ(error("Retry-After: 2").retry_after, milliseconds(2000));
  EXPECT_FALSE(error("Retry-After: 2").retry_after_is_advice);
  EXPECT_EQ(error("x-amz-retry-after: 1500").retry_after, milliseconds(1500));
  EXPECT_TRUE(error("x-amz-retry-after: 1500").retry_after_is_advice);
  EXPECT_EQ(error("Retry-After: 99999999").retry_after, milliseconds(300'000)) << "limited to five minutes";
  EXPECT_EQ(error("Retry-After: -1").retry_after, std::nullopt);
  EXPECT_EQ(error("Retry-After: Fri, 24 May 2013 00:00:00 GMT").retry_after, std::nullopt);
}

TEST(ErrorKinds, EveryKindHasAName) {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::kCancelled); ++kind) {
    EXPECT_NE(KindName(static_cast<ErrorKind>(kind)), "unknown") << kind;
  }
}

}  // namespace classify_response_test
}  // namespace s3
