#include "s3/client/probe_advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace s3 {
namespace probe_advice_test {

using enum ProbeOutcome;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string_view> NamesOf(const std::vector<const StoreProfile*>& profiles) {
  std::vector<std::string_view> names;
  for (const auto* profile : profiles) names.push_back(profile->name);
  return names;
}

// A store that behaves as AWS does.
ProbeReport AwsReport() {
  ProbeReport report;
  for (const auto* name : {"put", "head", "multipart"}) report.rows.push_back({name, kWorks, ""});
  for (const auto* name :
       {"if_none_match", "if_none_match parts", "payload sha256", "payload streaming", "checksum md5",
        "checksum crc32c", "checksum sha256", "checksum crc64nvme", "trailer crc32c"}) {
    report.rows.push_back({name, kChecked, ""});
  }
  report.server = "AmazonS3";
  return report;
}

void SetOutcome(ProbeReport* report, std::string_view name, ProbeOutcome outcome) {
  for (auto& row : report->rows) {
    if (row.name == name) row.outcome = outcome;
  }
}

std::vector<std::string> Advice(const ProbeReport& report,
                                ChecksumAlgorithm checksum = ChecksumAlgorithm::kCrc64Nvme) {
  return AdviceOf(report, {.checksum = checksum}, *FindStoreProfile("aws"));
}

TEST(FittingProfilesTest, TheServerHeaderDecidesAmongProfilesThatFit) {
  EXPECT_THAT(NamesOf(FittingProfiles(AwsReport())), ElementsAre("aws"));
}

TEST(FittingProfilesTest, AContradictionRulesAProfileOut) {
  auto report = AwsReport();
  SetOutcome(&report, "trailer crc32c", kRefused);
  EXPECT_THAT(NamesOf(FittingProfiles(report)), Not(Contains("aws")));
}

TEST(AdviceTest, NoneForAStoreAsExpected) { EXPECT_THAT(Advice(AwsReport()), IsEmpty()); }

TEST(AdviceTest, NamesTheProfileThatFits) {
  auto report = AwsReport();
  SetOutcome(&report, "checksum crc32c", kRefused);
  EXPECT_THAT(Advice(report), Contains(HasSubstr("contradicts profile aws: set destination.profile: ")));
}

TEST(AdviceTest, WarnsOfConditionsThatAreIgnored) {
  auto report = AwsReport();
  SetOutcome(&report, "if_none_match parts", kIgnored);
  EXPECT_THAT(Advice(report), Contains(HasSubstr("when it completes multipart uploads")));
  SetOutcome(&report, "if_none_match", kIgnored);
  EXPECT_THAT(Advice(report), Contains(HasSubstr("on every write")));
}

TEST(AdviceTest, SuggestsAFasterChecksumThatTheStoreChecks) {
  EXPECT_THAT(Advice(AwsReport(), ChecksumAlgorithm::kMd5),
              ElementsAre(HasSubstr("integrity.checksum: crc64nvme")));
}

TEST(AdviceTest, MentionsClocksAndWhatWasLeftBehind) {
  auto report = AwsReport();
  report.clock_offset = std::chrono::minutes(6);
  report.left_behind = true;
  EXPECT_THAT(Advice(report), ElementsAre(HasSubstr("run NTP"), HasSubstr("could not be deleted")));
}

}  // namespace probe_advice_test
}  // namespace s3
