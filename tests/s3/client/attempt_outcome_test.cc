#include "s3/client/attempt_outcome.h"

#include <gtest/gtest.h>

namespace s3 {
namespace attempt_outcome_test {

using Outcome = CircuitBreaker::Outcome;

TEST(OutcomeOfTest, ShowsWhatTheStoreIsLike) {
  EXPECT_EQ(OutcomeOf(Response{}, true), Outcome::kStored);
  EXPECT_EQ(OutcomeOf(Response{}, false), Outcome::kResponded);
  struct Case {
    ErrorKind kind;
    int status;
    std::string code;
    Outcome expected;
  };
  for (const auto& [kind, status, code, expected] : {
           Case{ErrorKind::kTransient, 0, "", Outcome::kUnavailable},
           {ErrorKind::kCancelled, 0, "", Outcome::kCancelled},
           {ErrorKind::kSlow, 0, "", Outcome::kCancelled},
           {ErrorKind::kStoreFull, 507, "", Outcome::kFull},
           {ErrorKind::kThrottled, 503, "SlowDown", Outcome::kThrottled},
           {ErrorKind::kThrottled, 429, "", Outcome::kThrottled},
           {ErrorKind::kTransient, 500, "InternalError", Outcome::kUnavailable},
           {ErrorKind::kTransient, 502, "", Outcome::kUnavailable},
           {ErrorKind::kTransient, 400, "", Outcome::kUnavailable},
           {ErrorKind::kTransient, 400, "RequestTimeout", Outcome::kResponded},
           {ErrorKind::kAccessDenied, 403, "AccessDenied", Outcome::kResponded},
       }) {
    const Result<Response> failed =
        tl::unexpected(Error{.kind = kind, .message = "", .http_status = status, .code = code});
    EXPECT_EQ(OutcomeOf(failed, true), expected) << status << " " << code;
  }
}

TEST(LooksExpiredTest, OnlyAfterTheCredentialsOwnExpiry) {
  const auto now = std::chrono::system_clock::now();
  const Credentials forever{"id", Secret("secret"), Secret()};
  Credentials expired = forever, valid = forever;
  expired.expires = now - std::chrono::minutes(1);
  valid.expires = now + std::chrono::minutes(1);
  const Error denied{
      .kind = ErrorKind::kAccessDenied, .message = "", .http_status = 403, .code = "AccessDenied"};
  const Error no_code{.kind = ErrorKind::kPermanent, .message = "", .http_status = 400};
  const Error other{.kind = ErrorKind::kPermanent, .message = "", .http_status = 400, .code = "InvalidPart"};
  EXPECT_TRUE(LooksExpired(denied, expired));
  EXPECT_TRUE(LooksExpired(no_code, expired)) << "as HEAD is refused";
  EXPECT_FALSE(LooksExpired(other, expired));
  EXPECT_FALSE(LooksExpired(denied, valid));
  EXPECT_FALSE(LooksExpired(denied, forever));
}

TEST(LooksSkewedTest, OnlyWithoutACodeAndWithADateFarAway) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  Error head{.kind = ErrorKind::kAccessDenied, .message = "", .http_status = 403};
  EXPECT_FALSE(LooksSkewed(head, now)) << "no Date";
  for (const auto minutes : {-20, -6, 6, 20}) {
    head.server_time = now + std::chrono::minutes(minutes);
    EXPECT_TRUE(LooksSkewed(head, now)) << minutes;
  }
  head.server_time = now - std::chrono::minutes(4);
  EXPECT_FALSE(LooksSkewed(head, now));
  head.server_time = now - std::chrono::minutes(20);
  head.code = "AccessDenied";
  EXPECT_FALSE(LooksSkewed(head, now)) << "the store says what the cause is";
}

TEST(OptionAdviceTest, NamesTheOptionThatMayBeTheCause) {
  const Error refused{.kind = ErrorKind::kPermanent, .message = "", .http_status = 400};
  const auto advice = [&](IntegrityOptions integrity) {
    return std::string(OptionAdvice(integrity, refused));
  };
  EXPECT_NE(advice({.checksum = ChecksumAlgorithm::kCrc32c, .trailer = true}).find("checksum_as"),
            std::string::npos);
  EXPECT_NE(advice({.payload = PayloadMode::kStreaming}).find("payload: streaming"), std::string::npos);
  EXPECT_NE(advice({.checksum = ChecksumAlgorithm::kCrc32c}).find("md5 or none"), std::string::npos);
  EXPECT_EQ(advice({.checksum = ChecksumAlgorithm::kMd5}), "");
  EXPECT_EQ(OptionAdvice({.trailer = true},
                         Error{.kind = ErrorKind::kAccessDenied, .message = "", .http_status = 403}),
            "");
}

}  // namespace attempt_outcome_test
}  // namespace s3
