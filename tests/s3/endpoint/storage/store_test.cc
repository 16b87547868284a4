#include "s3/endpoint/storage/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/endpoint_fixture.h"

namespace s3 {
namespace store_test {

namespace fs = std::filesystem;
using endpoint::ServerOptions;
using test::ClientFixture;
using test::EndpointFixture;
using test::WithBucket;

TEST(Store, ADirectoryIsLoadedAgain) {
  test::TempDir directory;
  ServerOptions options = WithBucket();
  options.storage = endpoint::Storage::kDirectory;
  options.directory = directory.path();
  const std::string odd_key = "odd/\xff\n key";
  {
    EndpointFixture fixture(options);
    EXPECT_TRUE(fixture.Put(odd_key, "first").response);
    EXPECT_TRUE(fixture.Put(odd_key, "second").response);
    EXPECT_TRUE(fixture.Put("gone", "x").response);
    fixture.server.store().DeleteObject("bucket", "gone");
  }
  endpoint::Store store(endpoint::Storage::kDirectory, directory.path());
  EXPECT_EQ(store.CountObjects("bucket"), 1u);
  EXPECT_EQ(store.Get("bucket", odd_key)->Read(0, 100), "second");
}

TEST(Store, DiscardKeepsOnlyTheDigests) {
  ServerOptions options = WithBucket();
  options.storage = endpoint::Storage::kDiscard;
  EndpointFixture fixture(options);
  EXPECT_TRUE(fixture.Put("k", "abc").response);
  EXPECT_EQ(fixture.server.store().Head("bucket", "k")->sha256, Sha256Hex("abc"));
  EXPECT_EQ(fixture.server.store().Get("bucket", "k"), nullptr);
}

// The directory of a store may contain files of others.
class StoreDirectoryTest : public testing::Test {
 protected:
  ServerOptions InDirectory() const {
    auto options = WithBucket();
    options.storage = endpoint::Storage::kDirectory;
    options.directory = directory_ / "store";
    return options;
  }
  endpoint::Store Open() const { return {endpoint::Storage::kDirectory, directory_ / "store"}; }

  test::TempDir directory_;
};

TEST_F(StoreDirectoryTest, DataOutsideTheDirectoryIsNeverAnObject) {
  directory_.Write("outside", "not yours");
  for (const auto& name : {std::string("../../outside"), directory_ / "outside",
                           std::string(64, 'a') + "-1-1.data/../x", std::string("other.data")}) {
    { ClientFixture fixture(InDirectory()); }
    directory_.Write(
        "store/bucket/" + std::string(64, '0') + ".meta",
        R"({"key":"a2V5","size":9,"etag":"e","sha256":"s","modified":0,"headers":[],"tagging":"",)"
        R"("checksum":[],"data":[[")" +
            name + R"(",9]]})");
    EXPECT_THROW(Open(), std::runtime_error) << name;
    fs::remove_all(directory_ / "store");
    EXPECT_EQ(test::ReadAll(directory_ / "outside"), "not yours");
  }
}

TEST_F(StoreDirectoryTest, LinksAreNotFollowed) {
  directory_.Write("outside/file", "not yours");
  directory_.Write("outside/1-1", "nor this");
  const auto outside = directory_ / "outside";
  fs::create_directories(directory_ / "store");
  fs::create_directory_symlink(outside, directory_ / "store/.uploads");
  EXPECT_THROW(Open(), std::runtime_error);
  EXPECT_EQ(test::ReadAll(outside + "/1-1"), "nor this") << "only uploads of a crash are removed";
  fs::remove(directory_ / "store/.uploads");
  fs::create_directory_symlink(outside, directory_ / "store/linked");
  EXPECT_FALSE(Open().HasBucket("linked"));
  ClientFixture fixture(InDirectory());
  // A link instead of the object's description, and of its next version.
  const auto meta = directory_ / "store/bucket/" + Sha256Hex("k") + ".meta";
  fs::create_symlink(outside + "/file", meta + ".new");
  ASSERT_TRUE(fixture.Put("k", "x").response);
  EXPECT_EQ(test::ReadAll(outside + "/file"), "not yours");
  EXPECT_FALSE(fs::is_symlink(meta));
  // A link instead of its data.
  for (const auto& entry : fs::directory_iterator(directory_ / "store/bucket")) {
    if (entry.path().extension() != ".data") continue;
    fs::remove(entry);
    fs::create_symlink(outside + "/file", entry);
  }
  EXPECT_THROW(fixture.Stored("k"), std::system_error);
  ASSERT_EQ(mkfifo((directory_ / "store/bucket/x.meta").c_str(), 0600), 0);
  EXPECT_THROW(Open(), std::runtime_error) << "does not wait for a writer of the FIFO";
}

TEST_F(StoreDirectoryTest, ADirectoryWithFilesOfOthersIsNotRemoved) {
  directory_.Write("store/thesis/chapter1.tex", "years of work");
  ClientFixture fixture(InDirectory());
  auto& store = fixture.server.store();
  EXPECT_EQ(store.DeleteBucket("thesis"), endpoint::Store::Deleted::kNotEmpty);
  EXPECT_EQ(test::ReadAll(directory_ / "store/thesis/chapter1.tex"), "years of work");
  // The store's own files that a crash left do not keep a bucket.
  directory_.Write("store/bucket/" + std::string(64, 'a') + "-1-2.data", "orphan");
  directory_.Write("store/bucket/" + std::string(64, 'a') + ".meta.new", "{");
  EXPECT_EQ(store.DeleteBucket("bucket"), endpoint::Store::Deleted::kYes);
  EXPECT_FALSE(fs::exists(directory_ / "store/bucket"));
}

}  // namespace store_test
}  // namespace s3
