#include "pipeline/upload/property_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace pipeline {
namespace property_rules_test {

InputFile File(std::string relative) {
  InputFile file;
  file.key = "prefix/" + relative;
  file.relative_at = 7;
  return file;
}

std::string Property(const ObjectOptions& options, const std::string& path, std::string_view name) {
  const auto properties = PropertyRules::Load(options).value().PropertiesOf(File(path), nullptr);
  const auto* value = properties.Find(name);
  return value == nullptr ? "(none)" : *value;
}

TEST(MimeTypesTest, TheSystemsFormatIsRead) {
  const auto types = ParseMimeTypes(
      "# a comment\ntext/html\t\t\thtml htm\n\nimage/png png # more\napplication/x-none\nbad\x01type "
      "bad\r\ntext/x y\r\n");
  EXPECT_EQ(types.size(), 4u);
  EXPECT_EQ(types.at("htm"), "text/html");
  EXPECT_EQ(types.at("png"), "image/png");
  EXPECT_EQ(types.at("y"), "text/x");
}

TEST(PropertyRulesTest, ContentTypesFollowTheExtensionUnlessTheJobSetsOne) {
  test::TempDir directory;
  ObjectOptions options;
  options.mime_types = directory.Write("types", "text/html html\napplication/gzip gz\n");
  EXPECT_EQ(Property(options, "a/PAGE.HTML", "content-type"), "text/html");
  EXPECT_EQ(Property(options, "x.tar.gz", "content-type"), "application/gzip");
  for (const auto* path : {"none", ".html", "dir.html/file", "x.unknown", "html"}) {
    EXPECT_EQ(Property(options, path, "content-type"), "application/octet-stream") << path;
  }
  options.properties.Set("content-type", "text/plain");
  EXPECT_EQ(Property(options, "page.html", "content-type"), "text/plain");
}

TEST(PropertyRulesTest, TheLastRuleThatMatchesWins) {
  ObjectOptions options;
  options.properties.Set("cache-control", "base");
  options.properties.Set("x-amz-meta-a", "base");
  const auto rule = [&](std::string match, std::string name, std::string value) {
    options.rules.push_back({std::move(match), {}});
    options.rules.back().properties.Set(name, std::move(value));
  };
  rule("*.log", "cache-control", "log");
  rule("sub/**", "cache-control", "sub");
  rule("*.none", "cache-control", "");
  rule("*.log", "x-amz-meta-b", "log");
  EXPECT_EQ(Property(options, "x", "cache-control"), "base");
  EXPECT_EQ(Property(options, "x.log", "cache-control"), "log");
  EXPECT_EQ(Property(options, "sub/x.log", "cache-control"), "sub");
  EXPECT_EQ(Property(options, "x.none", "cache-control"), "(none)") << "an empty value removes it";
  EXPECT_EQ(Property(options, "x.log", "x-amz-meta-a"), "base") << "metadata is merged by name";
  EXPECT_EQ(Property(options, "x.log", "x-amz-meta-b"), "log");
}

TEST(PropertyRulesTest, PosixMetadataHasTheFormOfFileGateways) {
  struct stat status = {};
  status.st_mode = S_IFREG | 0640;
  status.st_uid = 1000;
  status.st_gid = 100;
  status.st_mtim = {1'700'000'000, 5};
  status.st_atim = {1, 999'999'999};
  s3::ObjectProperties properties;
  SetPosixMetadata(status, &properties);
  EXPECT_EQ(*properties.Find("x-amz-meta-file-permissions"), "0100640");
  EXPECT_EQ(*properties.Find("x-amz-meta-file-owner"), "1000");
  EXPECT_EQ(*properties.Find("x-amz-meta-file-group"), "100");
  EXPECT_EQ(*properties.Find("x-amz-meta-file-mtime"), "1700000000000000005ns");
  EXPECT_EQ(*properties.Find("x-amz-meta-file-atime"), "1999999999ns");
}

TEST(PropertyRulesTest, ATableThatTheJobNamesMustExist) {
  ObjectOptions options;
  options.mime_types = "/nonexistent/types";
  EXPECT_THAT(PropertyRules::Load(options).error().message,
              testing::HasSubstr("/nonexistent/types: No such file"));
}

}  // namespace property_rules_test
}  // namespace pipeline
