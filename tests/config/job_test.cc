#include "config/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "config/faults.h"
#include "config/scalars.h"
#include "config/schema.h"
#include "tests/support/support.h"

namespace config {
namespace {

using testing::HasSubstr;

std::optional<std::string> FakeEnvironment(const std::string& name) {
  if (name == "BUCKET") return "from-env";
  if (name == "SECRET") return "hunter2";
  return std::nullopt;
}

constexpr const char* kSmallest = "source:\n  - path: ./data\ndestination:\n  bucket: results\n";

Loaded<Job> Parse(const std::string& text, std::vector<std::string> overrides = {}) {
  return ParseJob(text, "job.yaml", overrides, FakeEnvironment);
}

std::string ProblemsOf(const Loaded<Job>& loaded) { return loaded ? "none" : FormatProblems(loaded.error()); }

TEST(JobTest, TheSmallestJobHasDefaults) {
  const auto job = Parse(kSmallest);
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->pipeline.source.at(0).path, "./data");
  EXPECT_EQ(job->s3.destination.bucket, "results");
  EXPECT_EQ(job->s3.destination.region, "us-east-1");
  EXPECT_EQ(job->pipeline.upload.concurrency, pipeline::UploadOptions::kAuto);
}

TEST(JobTest, ScalarsAreTextReadByTheSchema) {
  const auto job =
      Parse(std::string(kSmallest) + "  region: no\n  prefix: 2013-05-24\nupload: {concurrency: 0010}\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->s3.destination.region, "no");
  EXPECT_EQ(job->s3.destination.prefix, "2013-05-24");
  EXPECT_EQ(job->pipeline.upload.concurrency, 10);
}

TEST(JobTest, ByteOrderMarksAndCarriageReturnsAreNoMistakes) {
  const auto job = Parse("\xef\xbb\xbfsource:\r\n  - path: ./data\r\ndestination:\r\n  bucket: results\r\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->s3.destination.bucket, "results");
}

TEST(JobTest, VariablesAreReplaced) {
  const auto job = Parse("source: [{path: '${DIR:-/tmp}/$${x}'}]\ndestination: {bucket: '${BUCKET}'}\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->pipeline.source.at(0).path, "/tmp/${x}");
  EXPECT_EQ(job->s3.destination.bucket, "from-env");
}

TEST(JobTest, OverridesAreAppliedAndCheckedAlike) {
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
      {"destination.bucket.x=y", "the key before it has a text as value"},
      {"credentials.secret_access_key=plain",
       "--set credentials.secret_access_key: every user of this machine can read a command's arguments: "
       "write the "
       "name of a variable as '${NAME}' in single quotes, or put the value into the job file"},
      {"nonsense", "write --set section.key=value"}};
  for (const auto& [text, message] : wrong)
    EXPECT_THAT(ProblemsOf(Parse(kSmallest, {text})), HasSubstr(message)) << text;
}

TEST(JobTest, AllProblemsAreShownAtOnce) {
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

TEST(JobTest, AMisplacedKeyIsFoundWhereItBelongs) {
  EXPECT_THAT(ProblemsOf(Parse(std::string(kSmallest) + "  concurrency: 4\n")),
              HasSubstr("did you mean 'upload.concurrency'?"));
  EXPECT_THAT(ProblemsOf(Parse(std::string(kSmallest) + "max_attempts: 4\n")),
              HasSubstr("did you mean 'retry.max_attempts'?"));
}

TEST(JobTest, ShownSettingsReadBackToTheSameSettings) {
  // The path holds the beginning of a variable that is meant as text.
  const auto job = Parse(
      "source:\n  - {path: \"odd: [x] # '$${y}\\\"\", include: ['*.a', 'b, c'], follow_symlinks: true}\n  - "
      "path: b\n"
      "destination: {bucket: results, prefix: 'null'}\nretry: {base_delay: 1500ms, cap: 1m30s}\nlimits: "
      "{stall_bytes: 8MiB}\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  EXPECT_EQ(job->pipeline.source.at(0).path, "odd: [x] # '${y}\"");
  const auto shown = ShowJob(*job);
  EXPECT_THAT(shown, HasSubstr("stall_bytes: 8388608"));
  const auto again = Parse(shown);
  ASSERT_TRUE(again) << ProblemsOf(again) << shown;
  EXPECT_EQ(ShowJob(*again), shown);
}

TEST(JobTest, ObjectPropertiesAndRulesReadBack) {
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

TEST(JobTest, SecretsAreNotShown) {
  const auto job = Parse(
      std::string(kSmallest) +
      "credentials: {access_key_id: AKID, secret_access_key: '${SECRET}', session_token: tokentoken}\n");
  ASSERT_TRUE(job) << ProblemsOf(job);
  const auto shown = ShowJob(*job);
  EXPECT_THAT(shown, HasSubstr("secret_access_key: \"**redacted**\""));
  EXPECT_THAT(shown, testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(shown, testing::Not(HasSubstr("tokentoken")));
}

// The example that documents every key: one that is missing there fails here.
TEST(ExamplesTest, CompleteNamesEveryKeyAndLoads) {
  const auto text = test::ReadAll(std::string(TESTS_DIR) + "/../config/examples/complete.yaml");
  const auto job = Parse(text);
  ASSERT_TRUE(job) << ProblemsOf(job);
  std::string section;
  std::set<std::string> named;
  for (const auto& line : test::Lines(text)) {
    const auto key_begin = line.find_first_not_of(" -");
    const auto colon = line.find(':');
    if (key_begin == std::string::npos || line[key_begin] == '#' || colon == std::string::npos) continue;
    const auto key = line.substr(key_begin, colon - key_begin);
    if (key_begin == 0) {
      section = key == "source" ? "source[]" : key;
    } else {
      named.insert(section + "." + key);
    }
  }
  for (const auto& key : AllKeys()) EXPECT_TRUE(named.contains(key)) << key << " is not in complete.yaml";
  EXPECT_EQ(named.size(), AllKeys().size());
}

TEST(ExamplesTest, CompleteShowsTheDefaults) {
  const auto complete = Parse(test::ReadAll(std::string(TESTS_DIR) + "/../config/examples/complete.yaml"));
  const auto smallest = Parse(kSmallest);
  ASSERT_TRUE(complete && smallest);
  // `source` and `bucket` are the same in both; all else is a default.
  EXPECT_EQ(ShowJob(*complete), ShowJob(*smallest)) << "a default changed, and the example did not";
}

TEST(FaultsTest, ExampleLoads) {
  const auto faults =
      ParseFaults(test::ReadAll(std::string(TESTS_DIR) + "/../config/examples/quickstart-faults.yaml"), "f",
                  FakeEnvironment);
  ASSERT_TRUE(faults);
  EXPECT_EQ(faults->at(0).last_attempt, 2);
  EXPECT_EQ(faults->at(0).action, s3::endpoint::FaultAction::kNoResponse);
}

TEST(FaultsTest, Attempts) {
  const auto range = [](const std::string& attempts) {
    const auto faults =
        ParseFaults("faults: [{action: status, attempts: '" + attempts + "'}]", "f", FakeEnvironment);
    return faults ? std::pair(faults->at(0).first_attempt, faults->at(0).last_attempt) : std::pair(0, 0);
  };
  EXPECT_EQ(range("2"), std::pair(2, 2));
  EXPECT_EQ(range("2-4"), std::pair(2, 4));
  EXPECT_EQ(range("3-"), std::pair(3, 1'000'000));
  EXPECT_EQ(range("all"), std::pair(1, 1'000'000));
  for (const auto* wrong : {"0", "4-2", "-3", "x", ""}) EXPECT_EQ(range(wrong), std::pair(0, 0)) << wrong;
}

TEST(ScalarsTest, Sizes) {
  const std::pair<const char*, std::uint64_t> good[] = {
      {"0", 0},      {"8388608", 8388608}, {"8MB", 8'000'000}, {"8MiB", 8'388'608}, {"8 MiB", 8'388'608},
      {"1kb", 1000}, {"2TiB", 2ull << 40}, {"7B", 7}};
  for (const auto& [text, bytes] : good) EXPECT_EQ(ParseSize(text).value_or(1), bytes) << text;
  for (const auto* text :
       {"", "MB", "8MBB", "-1", "1.5MB", "8M", "99999999999999999999", "99999999TiB", "8 8MB"})
    EXPECT_FALSE(ParseSize(text)) << text;
}

TEST(ScalarsTest, Durations) {
  const std::pair<const char*, long> good[] = {{"200ms", 200},    {"20s", 20'000}, {"1m30s", 90'000},
                                               {"2h", 7'200'000}, {"0s", 0},       {"1h1m1s1ms", 3'661'001}};
  for (const auto& [text, ms] : good)
    EXPECT_EQ(ParseDuration(text).value_or(std::chrono::milliseconds(-1)).count(), ms) << text;
  for (const auto* text :
       {"", "20", "s", "30s1m", "1s1s", "-1s", "1.5s", "9999999h", "99999999999999999999s", "1d"})
    EXPECT_FALSE(ParseDuration(text)) << text;
}

TEST(ScalarsTest, DurationsReadBack) {
  for (const long ms : {0l, 1l, 999l, 1000l, 90'000l, 86'400'000l}) {
    EXPECT_EQ(ParseDuration(ShowDuration(std::chrono::milliseconds(ms)))->count(), ms);
  }
}

TEST(ScalarsTest, IntegersAndBools) {
  EXPECT_EQ(ParseInteger("12", 1, 20).value_or(0), 12);
  for (const auto* text : {"", "0", "21", "1x", "0x5", "1 "}) EXPECT_FALSE(ParseInteger(text, 1, 20)) << text;
  EXPECT_TRUE(ParseBool("true").value_or(false));
  for (const auto* text : {"yes", "True", "1", ""}) EXPECT_FALSE(ParseBool(text)) << text;
}

TEST(DidYouMeanTest, NearAndOnlyNear) {
  EXPECT_EQ(DidYouMean("buket", {"bucket", "prefix"}), "; did you mean 'bucket'?");
  EXPECT_EQ(DidYouMean("xyz", {"bucket", "prefix"}), "");
  EXPECT_EQ(DidYouMean("ca", {"cap"}), "; did you mean 'cap'?");
}

// Any bytes: a value or problems, never a crash and never an exception.
TEST(DocumentTest, AnyBytesAreHarmless) {
  auto random = test::SeededRandom();
  const std::string alphabet = "abc:-[]{}#&*!|>'\"%@`,?\n\n  \t${}x1~<.\\\xc3\xa9";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = i % 2 == 0 ? "" : kSmallest;
    for (auto size = random() % 60; size > 0; --size)
      text.insert(random() % (text.size() + 1), 1, alphabet[random() % alphabet.size()]);
    (void)Parse(text);
  }
}

}  // namespace
}  // namespace config
