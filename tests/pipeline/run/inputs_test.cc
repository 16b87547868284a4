// Which inputs a run or a shard gets.
#include "pipeline/run/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>

#include "tests/support/support.h"

namespace pipeline {
namespace inputs_test {

using testing::HasSubstr;

class InputsTest : public testing::Test {
 protected:
  InputsTest() {
    for (int i = 0; i < kFiles; ++i) directory_.Write("data/f" + std::to_string(i), "content");
    SourceRoot root;
    root.path = directory_ / "data";
    options_.source.push_back(root);
  }

  std::set<std::string> Keys(const Inputs& inputs) {
    std::mutex mutex;
    std::set<std::string> keys;
    inputs.find([&](const Input& input) {
      std::lock_guard lock(mutex);
      keys.insert(FileOf(input).key);
      return Backpressure::kStarving;
    });
    return keys;
  }
  static std::size_t Count(const std::function<bool()>& one_more) {
    std::size_t count = 0;
    while (one_more()) ++count;
    return count;
  }
  Inputs Find() { return InputsOf(options_, "prefix/", {}); }

  static constexpr int kFiles = 40;
  const test::TempDir directory_;
  Options options_;
};

TEST_F(InputsTest, KeysHaveThePrefix) {
  const auto keys = Keys(Find());
  EXPECT_EQ(keys.size(), static_cast<std::size_t>(kFiles));
  EXPECT_TRUE(keys.contains("prefix/f0"));
}

TEST_F(InputsTest, OneMoreIsTrueOnceForEachInput) {
  EXPECT_EQ(Count(Find().one_more), static_cast<std::size_t>(kFiles));
}

TEST_F(InputsTest, ShardsDivideTheFilesAmongThem) {
  std::set<std::string> all;
  std::size_t sum = 0;
  for (int index = 0; index < 3; ++index) {
    options_.shard = {.shard = {index, 3}};
    const auto keys = Keys(Find());
    EXPECT_EQ(Count(Find().one_more), keys.size());
    sum += keys.size();
    all.insert(keys.begin(), keys.end());
  }
  EXPECT_EQ(sum, static_cast<std::size_t>(kFiles)) << "a file was in two shards";
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kFiles)) << "a file was in no shard";
}

TEST_F(InputsTest, AStreamIsAnObjectOfItsOwn) {
  SourceRoot stream;
  stream.path = "/dev/pipes/backup.tar";
  stream.stream = true;
  options_.source = {stream};
  const auto inputs = Find();
  ASSERT_EQ(inputs.streams.size(), 1u);
  EXPECT_EQ(inputs.streams[0]->file().key, "prefix/backup.tar");
  options_.source[0].key = "named";
  EXPECT_EQ(Find().streams[0]->file().key, "prefix/named");
}

TEST_F(InputsTest, AMissingRootIsAProblem) {
  EXPECT_FALSE(InputProblem(options_));
  options_.source[0].path = directory_ / "gone";
  EXPECT_THAT(InputProblem(options_).value_or(""), HasSubstr("gone: No such file"));
}

}  // namespace inputs_test
}  // namespace pipeline
