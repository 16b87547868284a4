#include "s3/endpoint/operations/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace s3 {
namespace listing_test {

TEST(ListObjects, PagesAndDelimitersListEveryKeyOnce) {
  endpoint::Store store(endpoint::Storage::kDiscard, "");
  store.CreateBucket("bucket");
  std::set<std::string> expected;
  for (int i = 0; i < 30; ++i) {
    expected.insert("d" + std::to_string(i % 3) + "/k" + std::to_string(i));
    expected.insert("top" + std::to_string(i));
  }
  for (const auto& key : expected) store.Commit({{}}, "bucket", key, {}, {});
  std::set<std::string> flat, grouped;
  const auto collect = [&](std::string delimiter, std::set<std::string>* out) {
    std::string token;
    for (int page = 0; page < 100; ++page) {
      endpoint::Call call;
      call.operation = "ListObjectsV2";
      call.bucket = "bucket";
      call.query = {{"max-keys", "7"}};
      if (!delimiter.empty()) call.query.emplace_back("delimiter", delimiter);
      if (!token.empty()) call.query.emplace_back("continuation-token", token);
      const auto xml = endpoint::ListObjects(store, call).body;
      for (const auto* tag : {"<Contents><Key>", "<CommonPrefixes><Prefix>"}) {
        for (auto at = xml.find(tag); at != std::string::npos; at = xml.find(tag, at + 1)) {
          const auto begin = at + std::strlen(tag);
          EXPECT_TRUE(out->insert(xml.substr(begin, xml.find('<', begin) - begin)).second) << "listed twice";
        }
      }
      const auto next = xml.find("<NextContinuationToken>");
      if (next == std::string::npos) return;
      token = xml.substr(next + 23, xml.find('<', next + 23) - next - 23);
    }
    FAIL() << "no last page";
  };
  collect("", &flat);
  EXPECT_EQ(flat, expected);
  collect("/", &grouped);
  EXPECT_EQ(grouped.size(), 33u);
  EXPECT_TRUE(grouped.contains("d1/"));
}

}  // namespace listing_test
}  // namespace s3
