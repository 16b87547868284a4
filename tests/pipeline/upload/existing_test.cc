#include "pipeline/upload/existing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/hash/hash.h"
#include "tests/support/client_fixture.h"

namespace pipeline {
namespace existing_test {

TEST(Md5ETagTest, OnlyTheFormOfMd5sIsParsed) {
  EXPECT_EQ(ParseMd5ETag("\"000102030405060708090a0b0c0d0e0f\"")->md5[15], 15);
  EXPECT_EQ(ParseMd5ETag("000102030405060708090a0b0c0d0e0f-12")->parts, 12u);
  for (const auto* etag : {"", "\"\"", "abc", "\"000102030405060708090a0b0c0d0e0g\"",
                           "000102030405060708090a0b0c0d0e0f-", "000102030405060708090a0b0c0d0e0f-0",
                           "000102030405060708090a0b0c0d0e0f-1x", "000102030405060708090a0b0c0d0e0f0"}) {
    EXPECT_EQ(ParseMd5ETag(etag), std::nullopt) << etag;
  }
}

// Three pages: 2,100 objects below in/, and one elsewhere.
class ExistingObjectsTest : public testing::Test {
 protected:
  ExistingObjectsTest() {
    for (int i = 0; i < kObjects; ++i) Add("in/" + std::to_string(i), i);
    Add("out/0", 0);
  }
  void Add(const std::string& key, int i) {
    auto& store = fixture_.server.store();
    s3::endpoint::ObjectInfo info;
    info.size_bytes = static_cast<std::uint64_t>(i);
    info.etag = s3::HexEncode(s3::AsBytes(s3::Md5(key)));
    info.last_modified = 1'700'000'000 + i;
    store.Commit({}, "bucket", key, std::move(info), {});
  }
  // Lists what is below in/, `pages` pages at most.
  s3::Result<bool> List(ExistingObjects* objects, std::uint64_t max_pages) {
    return objects->List(&fixture_.client, "in/", [=](std::uint64_t pages) { return pages < max_pages; });
  }

  static constexpr int kObjects = 2'100;
  test::ClientFixture fixture_{test::WithBucket()};
};

TEST_F(ExistingObjectsTest, FindsWhatWasListedWithItsTime) {
  ExistingObjects objects(false);
  ASSERT_TRUE(List(&objects, 100).value()) << "the list has ended";
  EXPECT_EQ(objects.size(), static_cast<std::uint64_t>(kObjects));
  EXPECT_EQ(objects.pages(), 3u);
  for (const int i : {0, 1, 999, 1'000, 2'099}) {
    const auto found = objects.Find("in/" + std::to_string(i));
    ASSERT_TRUE(found) << i;
    EXPECT_EQ(found->size_bytes, static_cast<std::uint64_t>(i));
    EXPECT_EQ(found->modified_s, 1'700'000'000 + i);
    EXPECT_FALSE(found->etag);
  }
  for (const auto* key : {"in/2100", "in/", "", "out/0"}) EXPECT_FALSE(objects.Find(key)) << key;
}

TEST_F(ExistingObjectsTest, KeepsETagsInsteadOfTimes) {
  ExistingObjects objects(true);
  ASSERT_TRUE(List(&objects, 100).value());
  const auto found = objects.Find("in/7");
  ASSERT_TRUE(found && found->etag);
  EXPECT_EQ(found->etag->md5, s3::Md5("in/7"));
  EXPECT_EQ(found->etag->parts, 0u);
  EXPECT_EQ(found->modified_s, 0);
}

TEST_F(ExistingObjectsTest, AListThatIsTooLongIsGivenUp) {
  ExistingObjects objects(false);
  EXPECT_FALSE(List(&objects, 2).value());
  EXPECT_EQ(objects.pages(), 2u);
  EXPECT_EQ(fixture_.server.stats().requests["ListObjectsV2"], 2u);
}

TEST_F(ExistingObjectsTest, ARefusedListIsAnError) {
  auto refused = test::FaultOn("ListObjectsV2", s3::endpoint::FaultAction::kStatus, 1000);
  refused.status = 403;
  refused.code = "AccessDenied";
  test::ClientFixture strict(test::WithBucket({refused}));
  ExistingObjects objects(false);
  const auto listed = objects.List(&strict.client, "", [](std::uint64_t) { return true; });
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().http_status, 403);
}

}  // namespace existing_test
}  // namespace pipeline
