#include "config/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/job_text.h"
#include "tests/support/support.h"

namespace config {
namespace job_test {

using testing::HasSubstr;

using test::kSmallest;
using test::Parse;
using test::ProblemsOf;

TEST(Job, TheSmallestOneHasDefaults) {
  const auto job = Parse(kSmallest);
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->pipeline.source.at(0).path, "./data");
  EXPECT_EQ(job->s3.destination.bucket, "results");
  EXPECT_EQ(job->s3.destination.region, "us-east-1");
  EXPECT_EQ(job->pipeline.upload.concurrency, pipeline::UploadOptions::kAuto);
}

TEST(Job, TheSchemaDecidesWhatAScalarMeans) {
  const auto job =
      Parse(std::string(kSmallest) + "  region: no\n  prefix: 2013-05-24\nupload: {concurrency: 0010}\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->s3.destination.region, "no");
  EXPECT_EQ(job->s3.destination.prefix, "2013-05-24");
  EXPECT_EQ(job->pipeline.upload.concurrency, 10);
}

TEST(Job, ByteOrderMarksAndCarriageReturnsAreAccepted) {
  const auto job = Parse("\xef\xbb\xbfsource:\r\n  - path: ./data\r\ndestination:\r\n  bucket: results\r\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->s3.destination.bucket, "results");
}

TEST(Job, VariablesAreReplaced) {
  const auto job = Parse("source: [{path: '${DIR:-/tmp}/$${x}'}]\ndestination: {bucket: '${BUCKET}'}\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->pipeline.source.at(0).path, "/tmp/${x}");
  EXPECT_EQ(job->s3.destination.bucket, "from-env");
}

TEST(Job, OverridesAreAppliedAndChecked) {
  const auto job =
      Parse(kSmallest, {"upload.concurrency=8", "source.0.path=other", "destination.prefix=a=b",
                        "credentials.secret_access_key=${SECRET}", "credentials.access_key_id=i"});
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->pipeline.upload.concurrency, 8);
  EXPECT_EQ(job->pipeline.source.at(0).path, "other");
  EXPECT_EQ(job->s3.destination.prefix, "a=b");
  EXPECT_EQ(job->s3.credentials.secret_access_key.Reveal(), "hunter2");
  const std::pair<const char*, const char*> wrong[] = {
      {"upload.concurency=8",
       "--set upload.concurency: upload: unknown key 'concurency'; did you mean 'concurrency'?"},
      {"upload.concurrency=x", "--set upload.concurrency: upload.concurrency: 'x' is not a whole number"},
      {"source.7.path=x",
       "--set source.7.path: there is no entry '7' in this list: it has 1, counted from 0"},
      {"destination.bucket.x=y", "the value of the key before it is a text"},
      {"credentials.secret_access_key=plain",
       "--set credentials.secret_access_key: every user of this machine can read a command's arguments: "
       "write the "
       "name of a variable as '${NAME}' in single quotes, or put the value into the job file"},
      {"nonsense", "write --set section.key=value"}};
  for (const auto& [text, message] : wrong)
    EXPECT_THAT(ProblemsOf(Parse(kSmallest, {text})), HasSubstr(message)) << text;
}

TEST(Job, AllProblemsAreShownTogether) {
  const auto problems =
      Parse("source:\n  - pth: x\ndestination:\n  bucket: B/B\n  region: ''\nretry:\n  cap: 20\n");
  EXPECT_EQ(ProblemsOf(problems),
            "job.yaml:2:5: source: unknown key 'pth'; did you mean 'path'?\n"
            "job.yaml:2:5: source: this entry has no path: add one\n"
            "job.yaml:4:11: destination.bucket: a bucket name may only have letters, digits, '-', '.' and "
            "'_', but 'B/B' has '/'\n"
            "job.yaml:5:11: destination.region: '' is not a region: it must have letters, digits, '-' and "
            "'_' only\n"
            "job.yaml:7:8: retry.cap: '20' is not a duration: write 200ms, 20s, 1m30s or 2h\n");
}

TEST(Job, AMisplacedKeyGivesTheRightSection) {
  EXPECT_THAT(ProblemsOf(Parse(std::string(kSmallest) + "  concurrency: 4\n")),
              HasSubstr("did you mean 'upload.concurrency'?"));
  EXPECT_THAT(ProblemsOf(Parse(std::string(kSmallest) + "max_attempts: 4\n")),
              HasSubstr("did you mean 'retry.max_attempts'?"));
}

TEST(Job, ShownSettingsReadBack) {
  // The path contains "$${", which means the text "${".
  const auto job = Parse(
      "source:\n  - {path: \"odd: [x] # '$${y}\\\"\", include: ['*.a', 'b, c'], follow_symlinks: true}\n  - "
      "path: b\n"
      "destination: {bucket: results, prefix: 'null'}\nretry: {base_delay: 1500ms, cap: 1m30s}\nlimits: "
      "{stall_bytes: 8MiB}\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->pipeline.source.at(0).path, "odd: [x] # '${y}\"");
  const auto shown = ShowJob(*job);
  EXPECT_THAT(shown, HasSubstr("stall_bytes: 8MiB"));
  const auto again = Parse(shown);
  ASSERT_TRUE(again) << ProblemsOf(again) << shown;
  EXPECT_EQ(ShowJob(*again), shown);
}

TEST(Job, ObjectPropertiesAndRulesReadBack) {
  const auto job = Parse(std::string(kSmallest) + R"(
object:
  cache_control: max-age=60
  metadata: {Run: "42", colour: blue}
  tags: {"a b": "c&d"}
  encryption: kms
  kms_key_id: k
  if_none_match: true
  posix: true
  rules:
    - {match: "*.html", content_type: text/html, metadata: {colour: red}, if_none_match: false}
    - {match: secret/**, encryption: default, kms_key_id: "", customer_key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}
)");
  ASSERT_TRUE(job) << ProblemsOf(job);
  const auto& object = job->pipeline.object;
  EXPECT_EQ(*object.properties.Find("x-amz-meta-run"), "42");
  EXPECT_EQ(*object.properties.Find("x-amz-tagging"), "a%20b=c%26d");
  EXPECT_EQ(*object.properties.Find("x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(*object.properties.Find("if-none-match"), "*");
  ASSERT_EQ(object.rules.size(), 2u);
  auto html = object.properties;
  html.Apply(object.rules[0].properties);
  EXPECT_EQ(*html.Find("x-amz-meta-colour"), "red");
  EXPECT_EQ(html.Find("if-none-match"), nullptr) << "a rule takes it away again";
  const auto shown = ShowJob(*job);
  EXPECT_THAT(shown, testing::Not(HasSubstr("AAAAAAAA"))) << "a customer's key is a secret";
  EXPECT_THAT(shown, HasSubstr("colour: red"));
  EXPECT_THAT(shown, HasSubstr("{match: \"secret/**\", encryption: default, kms_key_id: \"\", "));
}

TEST(Job, SecretsAreNotShown) {
  const auto job = Parse(
      std::string(kSmallest) +
      "credentials: {access_key_id: AKID, secret_access_key: '${SECRET}', session_token: tokentoken}\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  const auto shown = ShowJob(*job);
  EXPECT_THAT(shown, HasSubstr("secret_access_key: \"**redacted**\""));
  EXPECT_THAT(shown, testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(shown, testing::Not(HasSubstr("tokentoken")));
}

}  // namespace job_test
}  // namespace config
