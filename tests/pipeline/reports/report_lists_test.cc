#include "pipeline/reports/report_lists.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "s3/hash/hash.h"

namespace pipeline {
namespace report_lists_test {

const std::string kDigest(64, 'a');

TEST(Sha256SumLine, EscapesAsCoreutilsDoes) {
  EXPECT_EQ(Sha256SumLine(kDigest, "a b\t\xff"), kDigest + "  a b\t\xff\n");
  EXPECT_EQ(Sha256SumLine(kDigest, "a\\b\nc\rd"), "\\" + kDigest + "  a\\\\b\\nc\\rd\n");
}

TEST(BagItLine, EncodesLineEndsAndPercentSigns) {
  EXPECT_EQ(BagItLine(kDigest, "a b"), kDigest + "  data/a b\n");
  EXPECT_EQ(BagItLine(kDigest, "100%\r\n"), kDigest + "  data/100%25%0D%0A\n");
}

TEST(CsvRecord, QuotesOnlyWhatNeedsIt) {
  const ResultRecord result{
      .outcome = Outcome::kFailed, .path = "a,\"b\"\r\nc", .key = "=1+1", .first_part = 3, .size_bytes = 7};
  ResultDetails details;
  details.attempts = 2;
  details.seconds = 0.5;
  details.kind = "access_denied";
  details.http_status = 403;
  details.code = "AccessDenied";
  details.message = "no, never";
  details.last_part = 4;
  EXPECT_EQ(CsvRecord(result, details),
            "\"a,\"\"b\"\"\r\nc\",=1+1,failed,7,,,2,0.500000,access_denied,403,AccessDenied,\"no, "
            "never\",,,,3,4\r\n");
}

TEST(CsvRecord, HasTheFieldsOfItsHeader) {
  const ResultRecord result{.outcome = Outcome::kSkipped, .path = "p", .key = "k"};
  ResultDetails details;
  details.reason = "why";
  const auto record = CsvRecord(result, details);
  const auto header = CsvHeader();
  EXPECT_EQ(std::count(record.begin(), record.end(), ','), std::count(header.begin(), header.end(), ','));
  EXPECT_NE(record.find(",why,"), std::string::npos) << record;
}

TEST(Sha256Of, TakesTheDigestOfTheWholeObjectOnly) {
  ResultDetails details;
  EXPECT_EQ(Sha256Of(details), "");
  details.sha256 = kDigest;
  EXPECT_EQ(Sha256Of(details), kDigest);
  for (const auto& hostile : {kDigest.substr(1), kDigest.substr(1) + "\n", std::string(64, 'A')}) {
    details.sha256 = hostile;
    EXPECT_EQ(Sha256Of(details), "") << hostile;
  }
  details.checksum_algorithm = "sha256";
  details.checksum = s3::Base64Encode(std::string(32, '\xaa'));
  EXPECT_EQ(Sha256Of(details), kDigest);
  details.parts = 2;
  EXPECT_EQ(Sha256Of(details), "") << "a checksum of checksums";
  details.parts = 0;
  details.checksum_algorithm = "crc32c";
  EXPECT_EQ(Sha256Of(details), "");
}

TEST(RelativeTo, RemovesTheOnlyRoot) {
  EXPECT_EQ(RelativeTo({"/data"}, "/data/a/b"), "a/b");
  EXPECT_EQ(RelativeTo({"data//"}, "data/a"), "a");
  EXPECT_EQ(RelativeTo({"/"}, "/a"), "a");
  EXPECT_EQ(RelativeTo({"/data/file"}, "/data/file"), "file");
  EXPECT_EQ(RelativeTo({"/data"}, "/database/a"), "/database/a");
  EXPECT_EQ(RelativeTo({"/a", "/b"}, "/a/x"), "/a/x");
  EXPECT_EQ(RelativeTo({}, "/a/x"), "/a/x");
}

}  // namespace report_lists_test
}  // namespace pipeline
