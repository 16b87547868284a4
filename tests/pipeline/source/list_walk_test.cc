// Inputs from lists of names.
#include "pipeline/source/list_walk.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "pipeline/source/file_counter.h"
#include "pipeline/source/walk.h"
#include "pipeline/source/walkers.h"
#include "tests/support/support.h"

namespace pipeline {
namespace list_walk_test {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

using Found = std::vector<std::pair<std::string, std::string>>;

std::string TextOf(const Input& input) {
  const auto* result = std::get_if<ObjectResult>(&input);
  if (result == nullptr) return "file";
  return result->outcome == Outcome::kSkipped ? "skipped: " + result->reason
                                              : "failed: " + result->error->message;
}

// Returns the key of each input, and "file", "skipped: why" or "failed: why".
Found WalkAll(std::vector<SourceRoot> roots, OwnFiles own = {}) {
  Found found;
  Walk walk(std::move(roots), "", std::move(own));
  while (const auto input = walk.Next()) found.emplace_back(FileOf(*input).key, TextOf(*input));
  return found;
}

class ListWalkTest : public testing::Test {
 protected:
  ListWalkTest() { fs::create_directory(tree_ / "d"); }
  // Returns a root whose list has these names, each on a line of its own.
  SourceRoot Listed(const std::string& text, const std::string& name = "names") {
    tree_.Write(name, text);
    return {.path = tree_ / "d", .files_from = tree_ / name};
  }

  const test::TempDir tree_;
};

TEST_F(ListWalkTest, YieldsTheNamedFilesInTheOrderOfTheList) {
  for (const auto* name : {"d/a", "d/sub/b", "d/sub/deep/c", "d/other"}) tree_.Write(name, "1");
  EXPECT_THAT(WalkAll({Listed("sub/deep/c\n./a\n\n" + tree_ / "d//sub/b" + "\n" + tree_ / "d/../x" + "\n")}),
              ElementsAre(Pair("sub/deep/c", "file"), Pair("a", "file"), Pair("sub/b", "file"),
                          Pair(testing::_, HasSubstr("failed: the name has the part '..'"))));
}

TEST_F(ListWalkTest, ReadsNamesThatEndWithNul) {
  tree_.Write("d/new\nline", "1");
  tree_.Write("names", std::string("new\nline\0\0none\0", 15));
  EXPECT_THAT(WalkAll({{.path = tree_ / "d", .files_from0 = tree_ / "names"}}),
              ElementsAre(Pair("new\nline", "file"),
                          Pair(testing::_, AllOf(HasSubstr("is empty"), HasSubstr("record 2 of "))),
                          Pair("none", AllOf(HasSubstr("No such file"), HasSubstr("record 3 of ")))));
}

TEST_F(ListWalkTest, SaysWhereAnUnusableNameStands) {
  fs::create_directory(tree_ / "d/sub");
  tree_.Write("d/file", "1");
  ASSERT_EQ(mkfifo((tree_ / "d/fifo").c_str(), 0600), 0);
  const auto found = WalkAll({Listed("none\nsub\nfile/below\nfifo\ndos\r\n/etc/passwd\n../x\n")});
  EXPECT_THAT(
      found,
      ElementsAre(Pair("none", "failed: No such file or directory (line 1 of " + tree_ / "names" + ")"),
                  Pair("sub", HasSubstr("failed: is a directory: a list names files")),
                  Pair("file/below", HasSubstr("failed: Not a directory")), Pair("fifo", "skipped: a FIFO"),
                  Pair("dos\r", AllOf(HasSubstr("No such file"), HasSubstr("line ends of Windows"))),
                  Pair(testing::_, AllOf(HasSubstr("the name is absolute"), HasSubstr("line 6 of "))),
                  Pair(testing::_, AllOf(HasSubstr("'..'"), HasSubstr("line 7 of ")))));
}

TEST_F(ListWalkTest, ARepeatedNameIsSkippedUnderAKeyOfItsOwn) {
  tree_.Write("d/a", "1");
  const auto again = [&](int line) { return fmt::format("a (line {} of {})", line, tree_ / "names"); };
  EXPECT_THAT(
      WalkAll({Listed("a\n./a\na\n")}),
      ElementsAre(Pair("a", "file"), Pair(again(2), StartsWith("skipped: the list names it more than once")),
                  Pair(again(3), StartsWith("skipped: the list names it more than once"))));
}

TEST_F(ListWalkTest, FollowsNoLinkUnlessTheRootSaysSo) {
  tree_.Write("outside/secret", "1");
  tree_.Write("d/file", "1");
  fs::create_symlink(tree_ / "outside", tree_ / "d/way");
  fs::create_symlink("file", tree_ / "d/link");
  fs::create_symlink("none", tree_ / "d/dangling");
  auto root = Listed("way/secret\nlink\nway\ndangling\n");
  EXPECT_THAT(WalkAll({root}),
              ElementsAre(Pair("way/secret", HasSubstr("failed: a part of its path is a symbolic link")),
                          Pair("link", "skipped: a symbolic link (follow_symlinks is off)"),
                          Pair("way", "skipped: a symbolic link (follow_symlinks is off)"),
                          Pair("dangling", "skipped: a symbolic link (follow_symlinks is off)")));
  root.follow_symlinks = true;
  EXPECT_THAT(WalkAll({root}), ElementsAre(Pair("way/secret", "file"), Pair("link", "file"),
                                           Pair("way", HasSubstr("is a directory")),
                                           Pair("dangling", HasSubstr("cannot follow the symbolic link"))));
}

TEST_F(ListWalkTest, GlobsLeaveNamesOut) {
  for (const auto* name : {"d/a.txt", "d/b.log", "d/cache/c.txt", "d/cache/deep/d.txt"})
    tree_.Write(name, "1");
  auto root = Listed("a.txt\ncache/deep/d.txt\nb.log\ncache/c.txt\na.txt\ncache/none.txt\n");
  root.include = {"*.txt"};
  root.exclude = {"cache/"};
  EXPECT_THAT(WalkAll({root}),
              ElementsAre(Pair("a.txt", "file"), Pair(StartsWith("a.txt (line 5"), StartsWith("skipped: "))));
}

TEST_F(ListWalkTest, FiltersLeaveOutTheSameNamesAsInAWalk) {
  constexpr const char* kTag = "Signature: 8a477f597d28d172789f06886806bc55\n# a cache";
  for (const auto* name :
       {"d/cache/CACHEDIR.TAG", "d/cache/deep/x", "d/large", "d/small", "d/no/CACHEDIR.TAG"}) {
    tree_.Write(name, "12345");
  }
  tree_.Write("d/cache/CACHEDIR.TAG", kTag);
  tree_.Write("d/large", "1234567890");
  tree_.Write("d/old", "12345");
  ASSERT_EQ(
      utimensat(AT_FDCWD, (tree_ / "d/old").c_str(), std::array<timespec, 2>{{{5, 0}, {5, 0}}}.data(), 0), 0);
  auto root = Listed("cache/CACHEDIR.TAG\ncache/deep/x\nlarge\nno/CACHEDIR.TAG\nold\nsmall\n");
  root.exclude_caches = true;
  root.max_size_bytes = 9;
  root.newer_than = {"t", 1000, false};
  const auto expected = ElementsAre(Pair("no/CACHEDIR.TAG", "file"), Pair("small", "file"));
  EXPECT_THAT(WalkAll({root}), expected);
  root.files_from.clear();
  auto walked = WalkAll({root});
  std::sort(walked.begin(), walked.end());
  EXPECT_THAT(walked, expected);
  const auto count = CountFiles({root}, [] { return false; });
  ASSERT_TRUE(count);
  EXPECT_EQ(count->inputs, 2U);
  EXPECT_EQ(count->bytes, 10U);
}

TEST_F(ListWalkTest, ARootThatIsACacheIsLeftOut) {
  tree_.Write("d/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
  tree_.Write("d/x", "1");
  auto root = Listed("x\n");
  root.exclude_caches = true;
  EXPECT_THAT(WalkAll({root}), testing::IsEmpty());
  root.files_from.clear();
  EXPECT_THAT(WalkAll({root}), testing::IsEmpty());
}

TEST_F(ListWalkTest, SkipsFilesOfS3flow) {
  tree_.Write("d/run/journal.jsonl", R"({"record":"run","session":1})");
  tree_.Write("d/run/deep/x", "1");
  tree_.Write("d/trace", "1");
  OwnFiles own;
  own.Add(tree_ / "d/trace");
  const auto is_own = "skipped: " + std::string(kOwnDirectory);
  EXPECT_THAT(WalkAll({Listed("run/journal.jsonl\nrun/deep/x\ntrace\n")}, own),
              ElementsAre(Pair("run/journal.jsonl", is_own), Pair("run/deep/x", is_own),
                          Pair("trace", "skipped: " + std::string(kOwnFile))));
}

TEST_F(ListWalkTest, FindsKeysThatTwoRootsShare) {
  for (const auto* name : {"d/a", "d/b", "d/c", "e/a", "e/b"}) tree_.Write(name, "1");
  const auto first = Listed("b\n");
  SourceRoot walked{.path = tree_ / "e"};
  auto found = WalkAll({first, walked});
  std::sort(found.begin(), found.end());
  EXPECT_THAT(
      found, ElementsAre(Pair("a", "file"), Pair("b", HasSubstr("failed: " + tree_ / "d/b has the same key")),
                         Pair("b", "file")));
  auto second = Listed("a\nb\nc\n", "more");
  second.path = tree_ / "e";
  EXPECT_THAT(WalkAll({first, second}),
              ElementsAre(Pair("b", "file"), Pair("a", "file"), Pair("b", HasSubstr("has the same key")),
                          Pair("c", HasSubstr("No such file"))));
}

TEST_F(ListWalkTest, AListThatVanishesIsAFailedInput) {
  auto root = Listed("a\n");
  Walk walk({root}, "");
  fs::remove(tree_ / "names");
  const auto input = walk.Next();
  ASSERT_TRUE(input);
  // The list is no input: the files that failed are tried again from a list, which must not name it.
  EXPECT_EQ(FileOf(*input).path, root.path);
  EXPECT_TRUE(std::get<ObjectResult>(*input).hides_inputs);
  EXPECT_THAT(TextOf(*input), AllOf(StartsWith("failed: cannot read the list"), HasSubstr("No such file")));
  EXPECT_FALSE(walk.Next());
}

TEST_F(ListWalkTest, AStopBeforeTheEndOfTheListIsNotTheEnd) {
  ASSERT_EQ(mkfifo((tree_ / "fifo").c_str(), 0600), 0);
  tree_.Write("d/a", "1");
  std::stop_source stop;
  stop.request_stop();
  SourceRoot root{.path = tree_ / "d", .files_from = tree_ / "fifo"};
  EXPECT_FALSE(WalkInThreads(Walk({root, {.path = tree_ / "d"}}, "", {}, stop.get_token()),
                             [](const Input&) { return Backpressure::kStarving; }));
}

TEST_F(ListWalkTest, ProblemsAreFoundBeforeTheRun) {
  tree_.Write("file", "1");
  EXPECT_THAT(RootProblem({{.path = tree_ / "d", .files_from = tree_ / "none"}}).value(),
              HasSubstr("none: No such file"));
  EXPECT_THAT(RootProblem({{.path = tree_ / "d", .files_from = tree_ / "d"}}).value(),
              HasSubstr("is a directory"));
  EXPECT_THAT(RootProblem({{.path = tree_ / "file", .files_from = tree_ / "file"}}).value(),
              HasSubstr("must be the directory"));
  EXPECT_FALSE(RootProblem({{.path = tree_ / "d", .files_from = tree_ / "file"}}));
}

TEST_F(ListWalkTest, CountsTheNamesOfAListThatIsAFile) {
  const auto count = CountFiles({Listed("a\n\nb\nc")}, [] { return false; });
  ASSERT_TRUE(count);
  EXPECT_EQ(count->inputs, 3U);
  EXPECT_EQ(count->bytes, 0U);
  ASSERT_EQ(mkfifo((tree_ / "fifo").c_str(), 0600), 0);
  EXPECT_FALSE(CountFiles({{.path = tree_ / "d", .files_from = tree_ / "fifo"}}, [] { return false; }));
  EXPECT_FALSE(CountFiles({{.path = tree_ / "d", .files_from = "-"}}, [] { return false; }));
}

}  // namespace list_walk_test
}  // namespace pipeline
