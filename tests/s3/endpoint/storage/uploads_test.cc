#include "s3/endpoint/storage/uploads.h"

#include <gtest/gtest.h>

namespace s3::endpoint {
namespace uploads_test {

TEST(Uploads, AnUploadBelongsToItsBucketAndKey) {
  Uploads uploads;
  const auto id = uploads.Create({.bucket = "b", .key = "k"});
  EXPECT_TRUE(uploads.Find("b", "k", id, true));
  EXPECT_FALSE(uploads.Find("b", "other", id, true));
  EXPECT_FALSE(uploads.Find("b", "k", "other", true));
  EXPECT_FALSE(uploads.PutPart("b", "other", id, 1, {}));
  EXPECT_TRUE(uploads.PutPart("b", "k", id, 1, {}));
  EXPECT_EQ(uploads.Find("b", "k", id, true)->parts.size(), 1u);
  EXPECT_TRUE(uploads.Find("b", "k", id, false)->parts.empty());
  EXPECT_TRUE(uploads.Remove("b", "k", id));
  EXPECT_FALSE(uploads.Remove("b", "k", id));
}

TEST(Uploads, AreListedByKey) {
  Uploads uploads;
  for (const auto* key : {"z", "a", "m"}) uploads.Create({.bucket = "b", .key = key});
  uploads.Create({.bucket = "other", .key = "x"});
  std::string keys;
  for (const auto& upload : uploads.OfBucket("b")) keys += upload.key;
  EXPECT_EQ(keys, "amz");
}

}  // namespace uploads_test
}  // namespace s3::endpoint
