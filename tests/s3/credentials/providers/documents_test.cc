#include "s3/credentials/providers/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/credentials/providers/checked.h"
#include "s3/credentials/providers/process.h"
#include "s3/credentials/providers/profiles.h"
#include "tests/support/mutator.h"

namespace s3 {
namespace documents_test {

using std::chrono::seconds;

using std::chrono::seconds;
using testing::ElementsAre;

TEST(ParseTimestamp, ReadsRfc3339) {
  const auto at = [](std::string_view text) -> std::int64_t {
    const auto time = ParseTimestamp(text);
    return time ? std::chrono::duration_cast<seconds>(time->time_since_epoch()).count() : -1;
  };
  EXPECT_EQ(at("2026-11-24T12:00:00Z"), 1795521600);
  EXPECT_EQ(at("2026-11-24T12:00:00.999999Z"), 1795521600);
  EXPECT_EQ(at("2026-11-24T12:00:00UTC"), 1795521600) << "the form of SSO's cache";
  EXPECT_EQ(at("2026-11-24T13:30:00+01:30"), 1795521600);
  EXPECT_EQ(at("2026-11-24T10:00:00-02:00"), 1795521600);
  EXPECT_EQ(at("2024-02-29T00:00:00Z"), 1709164800);
  EXPECT_EQ(at("9999-12-31T23:59:59Z"), 7258118400) << "cut to the year 2200";
  for (const auto* bad :
       {"", "2026-11-24", "2026-11-24T12:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-11-24T24:00:00Z", "2026-11-24T12:60:00Z", "2026-11-24T12:00:00+1:00", "2026-11-24T12:00:00.Z0",
        "-026-11-24T12:00:00Z", "1969-12-31T23:59:59Z"}) {
    EXPECT_EQ(at(bad), -1) << bad;
  }
}

TEST(Documents, HostileInputGivesNoInvalidCredentials) {
  const std::vector<std::string> seeds{
      R"({"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2026-11-24T12:00:00Z","Code":"Success"})",
      R"({"roleCredentials":{"accessKeyId":"A","secretAccessKey":"S","sessionToken":"T","expiration":1795521600000}})",
      R"({"accessToken":"t","expiresAt":"2026-11-24T12:00:00UTC","x":[[[[1e99]]]]})",
      "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S"
      "</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2026-11-24T12:00:00Z</Expiration></"
      "Credentials>"
      "</AssumeRoleResult></AssumeRoleResponse>",
      "[default]\naws_access_key_id = A\n  nested = x\n[profile \"b\"]\nrole_arn: r\n",
      "/bin/a 'b c' \"d\\\"\" e\\ f"};
  test::Mutator mutator;
  HttpHeaders date;
  date.AppendLine("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
  const auto plain = [](const Result<Credentials>& read) {
    if (!read) {
      EXPECT_FALSE(read.error().message.empty());
      return;
    }
    const auto checked = CheckedCredentials({*read, "a document"}, [](std::string_view) {});
    if (!checked) return;
    const auto& credentials = checked->credentials;
    for (const auto text :
         {std::string_view(credentials.access_key_id), credentials.session_token.Reveal()}) {
      EXPECT_EQ(text.find_first_of(std::string_view("\r\n\0 ", 4)), std::string_view::npos);
    }
  };
  for (int i = 0; i < test::Rounds(); ++i) {
    const auto text = mutator.Next(seeds);
    plain(CredentialsFromJson(text, "Token"));
    plain(CredentialsFromSso(text));
    plain(CredentialsFromSts(text, "AssumeRole"));
    (void)SsoTokenFromJson(text);
    (void)RefusalCode(text);
    (void)ParseIni(text);
    (void)SplitCommand(text);
    (void)ParseTimestamp(text);
    (void)ParseHttpDate(text);
    if (const auto time = ParseTimestamp(text)) (void)ByOurClock(*time, date);
  }
}

}  // namespace documents_test
}  // namespace s3
