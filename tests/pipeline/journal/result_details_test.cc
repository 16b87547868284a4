#include "pipeline/journal/result_details.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "pipeline/journal/record.h"

namespace pipeline {
namespace result_details_test {

ResultDetails DetailsOf(const ObjectResult& result, JournalDetail detail = JournalDetail::kFull) {
  auto line = ResultLine(result, detail);
  line.pop_back();
  ResultDetails details;
  EXPECT_TRUE(ReadDetails(line, &details)) << line;
  return details;
}

ObjectResult Uploaded(const std::string& path) {
  ObjectResult result;
  result.file = std::make_shared<InputFile>(InputFile{.path = path, .key = "k", .size_bytes = 5});
  result.outcome = Outcome::kUploaded;
  result.sha256 = "ab12";
  result.checksum = "AAAA";
  result.algorithm = s3::ChecksumAlgorithm::kCrc32c;
  result.version_id = "v1";
  result.seconds = std::chrono::duration<double>(0.25);
  return result;
}

TEST(ResultDetails, ReadsWhatResultLineWrites) {
  // The second path has escapes, and the third one is in base64.
  for (const auto* path : {"/plain", "/with \"quotes\" and \\", "/\xff"}) {
    const auto details = DetailsOf(Uploaded(path));
    EXPECT_EQ(details.sha256, "ab12") << path;
    EXPECT_EQ(details.checksum_algorithm, "crc32c") << path;
    EXPECT_EQ(details.checksum, "AAAA") << path;
    EXPECT_EQ(details.version_id, "v1") << path;
    EXPECT_EQ(details.seconds, 0.25) << path;
    EXPECT_EQ(details.kind, "") << path;
  }
}

TEST(ResultDetails, ACompactLineLacksOnlyWhatNoListNeeds) {
  auto result = Uploaded("/plain");
  result.etag = "\"e\"";
  result.request_id = "r1";
  result.attempts = 1;
  result.seconds = std::chrono::duration<double>(0.0123456);
  for (const auto outcome : {Outcome::kUploaded, Outcome::kSkipped, Outcome::kSent}) {
    result.outcome = outcome;
    const auto details = DetailsOf(result, JournalDetail::kCompact);
    EXPECT_EQ(details.sha256, "ab12");
    EXPECT_EQ(details.etag, "\"e\"");
    EXPECT_EQ(details.version_id, "v1");
    EXPECT_EQ(details.attempts, 1);
    EXPECT_EQ(details.seconds, 0.0123);
    EXPECT_EQ(details.request_id + details.checksum + details.checksum_algorithm, "");
    EXPECT_LT(ResultLine(result, JournalDetail::kCompact).size() + 50, ResultLine(result).size());
  }
  result.attempts = 0;
  EXPECT_EQ(DetailsOf(result, JournalDetail::kCompact).attempts, 0);
  result.attempts = 2;
  EXPECT_EQ(DetailsOf(result, JournalDetail::kCompact).attempts, 2);
}

// sha256sum and bagit lists take the SHA-256 from a checksum if there is no other.
TEST(ResultDetails, ACompactLineKeepsTheOnlySha256) {
  auto result = Uploaded("/plain");
  result.algorithm = s3::ChecksumAlgorithm::kSha256;
  EXPECT_EQ(DetailsOf(result, JournalDetail::kCompact).checksum, "");
  result.sha256.clear();
  EXPECT_EQ(DetailsOf(result, JournalDetail::kCompact).checksum, "AAAA");
  result.parts = 3;
  EXPECT_EQ(DetailsOf(result, JournalDetail::kCompact).checksum, "") << "a checksum of checksums";
}

TEST(ResultDetails, ACompactLineOfAFailureIsAFullOne) {
  auto result = Uploaded("/p");
  result.request_id = "r1";
  result.attempts = 1;
  for (const auto outcome : {Outcome::kFailed, Outcome::kCancelled}) {
    result.outcome = outcome;
    EXPECT_EQ(ResultLine(result, JournalDetail::kCompact), ResultLine(result));
    result.error = s3::Error{.kind = s3::ErrorKind::kAccessDenied, .message = "no"};
    EXPECT_EQ(ResultLine(result, JournalDetail::kCompact), ResultLine(result));
    result.error.reset();
  }
}

TEST(ResultDetails, ReadsErrorsWithTheirEscapes) {
  auto failed = Uploaded("/p");
  failed.outcome = Outcome::kFailed;
  failed.error = s3::Error{.kind = s3::ErrorKind::kAccessDenied,
                           .message = "a \"quoted\"\nmessage",
                           .http_status = 403,
                           .code = "AccessDenied",
                           .request_id = "r1"};
  const auto details = DetailsOf(failed);
  EXPECT_EQ(details.kind, "access_denied");
  EXPECT_EQ(details.message, "a \"quoted\"\nmessage");
  EXPECT_EQ(details.code, "AccessDenied");
  EXPECT_EQ(details.http_status, 403);
  EXPECT_EQ(details.request_id, "r1");
}

TEST(ResultDetails, ForgetsTheLineBefore) {
  ResultDetails details = DetailsOf(Uploaded("/p"));
  EXPECT_TRUE(ReadDetails(R"({"record":"result","parts":3,"stream":true,"crc":"0"})", &details));
  EXPECT_EQ(details.sha256, "");
  EXPECT_EQ(details.checksum_algorithm, "");
  EXPECT_EQ(details.seconds, 0);
  EXPECT_EQ(details.parts, 3);
  EXPECT_TRUE(details.is_stream);
}

TEST(ResultDetails, ADurationIsANumber) {
  ResultDetails details;
  for (const auto* value : {"nan", "inf", "-1", "1e999", "true"}) {
    EXPECT_TRUE(ReadDetails(std::string(R"({"seconds":)") + value + "}", &details)) << value;
    EXPECT_EQ(details.seconds, 0) << value;
  }
}

TEST(ResultDetails, RefusesLinesOfAnotherForm) {
  ResultDetails details;
  for (const auto* line : {"", "{", "[1]", R"({"parts":)", R"({"etag":{"a":"x"}})", R"({"seconds":[1]})",
                           R"({"crc32c_base64":[]})", "{\"a\":\"b\"} x"}) {
    EXPECT_FALSE(ReadDetails(line, &details)) << line;
  }
}

TEST(ResultDetails, IgnoresUnknownFieldsOfAnyForm) {
  ResultDetails details;
  for (const auto* unknown : {R"({"etag":"y"})", "[1]", "null", R"("z")"}) {
    ASSERT_TRUE(ReadDetails(std::string(R"({"sha256":"x","new":)") + unknown + R"(,"parts":3})", &details));
    EXPECT_EQ(details.sha256, "x") << unknown;
    EXPECT_EQ(details.etag, "") << unknown;
    EXPECT_EQ(details.parts, 3) << unknown;
  }
}

}  // namespace result_details_test
}  // namespace pipeline
