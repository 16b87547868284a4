#include "pipeline/source/walk.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "pipeline/source/open_file.h"
#include "tests/support/support.h"

namespace pipeline {
namespace walk_test {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

// Returns "task", "skipped: why" or "failed: why" for each key.
std::map<std::string, std::string> WalkAll(std::vector<SourceRoot> roots, const std::string& prefix = "") {
  std::map<std::string, std::string> found;
  Walk walk(std::move(roots), prefix);
  while (auto item = walk.Next()) {
    if (const auto* file = std::get_if<std::shared_ptr<const InputFile>>(&*item)) {
      EXPECT_TRUE(found.emplace((*file)->key, "task").second) << (*file)->key;
      continue;
    }
    const auto& result = std::get<ObjectResult>(*item);
    found[result.file->key] = result.outcome == Outcome::kSkipped ? "skipped: " + result.reason
                                                                  : "failed: " + result.error->message;
  }
  return found;
}

SourceRoot Root(const std::string& path) {
  SourceRoot root;
  root.path = path;
  return root;
}

TEST(WalkTest, YieldsTheFilesOfAllRoots) {
  test::TempDir tree;
  tree.Write("d/a", "1");
  tree.Write("d/sub/deep/b", "2");
  fs::create_directories(tree / "d/empty");
  tree.Write("single", "3");
  auto second = Root(tree / "single");
  second.prefix = "s/";
  EXPECT_THAT(
      WalkAll({Root(tree / "d"), second}, "p/"),
      UnorderedElementsAre(Pair("p/a", "task"), Pair("p/sub/deep/b", "task"), Pair("p/s/single", "task")));
  EXPECT_THAT(WalkAll({Root(tree / "d/")}),
              UnorderedElementsAre(Pair("a", "task"), Pair("sub/deep/b", "task")));
}

TEST(WalkTest, GlobsFilterFilesAndPruneDirectories) {
  test::TempDir tree;
  for (const auto* name :
       {"a.dat", "a.log", "x/b.dat", "x/b.log", "build/c.dat", "x/build/d.dat", "tmp/e.dat"})
    tree.Write(name, "");
  auto root = Root(tree.path());
  root.include = {"*.dat"};
  root.exclude = {"/build/**", "tmp/"};
  EXPECT_THAT(WalkAll({root}), UnorderedElementsAre(Pair("a.dat", "task"), Pair("x/b.dat", "task"),
                                                    Pair("x/build/d.dat", "task")));
  root.exclude = {"build", "tmp"};
  EXPECT_THAT(WalkAll({root}), UnorderedElementsAre(Pair("a.dat", "task"), Pair("x/b.dat", "task")));
}

TEST(WalkTest, SpecialFilesAreSkippedAndNeverOpened) {
  test::TempDir tree;
  ASSERT_EQ(mkfifo((tree / "fifo").c_str(), 0600), 0);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", (tree / "socket").c_str());
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  fs::create_symlink("nowhere", tree / "link");
  EXPECT_THAT(WalkAll({Root(tree.path())}),
              UnorderedElementsAre(Pair("fifo", "skipped: a FIFO"), Pair("socket", "skipped: a socket"),
                                   Pair("link", HasSubstr("skipped: a symbolic link"))));
  close(fd);
}

TEST(WalkTest, FollowsLinksAndDetectsLoops) {
  test::TempDir tree;
  tree.Write("real/file", "x");
  fs::create_directory_symlink("../real", tree / "real/up");
  fs::create_directory_symlink("real", tree / "alias");
  fs::create_symlink("real/file", tree / "filelink");
  fs::create_symlink("nowhere", tree / "dangling");
  auto root = Root(tree.path());
  root.follow_symlinks = true;
  EXPECT_THAT(
      WalkAll({root}),
      UnorderedElementsAre(
          Pair("real/file", "task"),
          Pair("real/up/", HasSubstr("skipped: a symbolic link to a directory above")),
          Pair("alias/file", "task"), Pair("alias/up/", HasSubstr("skipped")), Pair("filelink", "task"),
          Pair("dangling", HasSubstr("failed: cannot follow the symbolic link: No such file"))));
}

// Root may read everything, so a test of permissions runs as another user.
class AsNobody {
 public:
  AsNobody() : before_(geteuid()) {
    if (before_ == 0) {
      EXPECT_EQ(seteuid(65534), 0);
    }
  }
  ~AsNobody() {
    if (before_ == 0) {
      EXPECT_EQ(seteuid(before_), 0);
    }
  }

 private:
  const uid_t before_;
};

TEST(WalkTest, EntriesThatCannotBeReadFail) {
  test::TempDir tree;
  fs::permissions(tree.path(), fs::perms::all);
  tree.Write("locked/file", "x");
  const auto file = tree.Write("file", "x");
  fs::permissions(file, fs::perms::none);
  fs::permissions(tree / "locked", fs::perms::none);
  {
    const AsNobody nobody;
    EXPECT_THAT(
        WalkAll({Root(tree.path())}),
        UnorderedElementsAre(Pair("locked/", HasSubstr("failed: Permission denied")), Pair("file", "task")));
    InputFile input;
    input.path = file;
    input.key = "file";
    EXPECT_THAT(OpenFile::Open(input).error().message, HasSubstr("Permission denied"));
    EXPECT_THAT(RootProblem({Root(tree / "locked")}).value_or(""), HasSubstr("locked: Permission denied"));
  }
  fs::permissions(tree / "locked", fs::perms::owner_all);
}

TEST(WalkTest, NamesAreBytes) {
  test::TempDir tree;
  const std::vector<std::string> names{"new\nline", "\xff\xfe", "a b+c%d?e#f&g=h", "..name", "-rf",
                                       "quote\"'",  "\x01",     "back\\slash"};
  for (const auto& name : names) tree.Write(name, "");
  const auto found = WalkAll({Root(tree.path())});
  EXPECT_EQ(found.size(), names.size());
  for (const auto& name : names) EXPECT_TRUE(found.contains(name)) << name;
}

TEST(WalkTest, FilesWhoseKeyIsTooLongFail) {
  test::TempDir tree;
  tree.Write("f", "");
  EXPECT_THAT(WalkAll({Root(tree.path())}, std::string(1024, 'p')),
              UnorderedElementsAre(Pair(testing::_, HasSubstr("1025 bytes"))));
}

TEST(WalkTest, ATooDeepDirectoryFails) {
  test::TempDir tree;
  const int top = open(tree.path().c_str(), O_RDONLY | O_DIRECTORY);
  int fd = dup(top);
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(mkdirat(fd, "d", 0700), 0);
    const int next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
    close(fd);
    fd = next;
  }
  close(fd);
  close(top);
  EXPECT_THAT(WalkAll({Root(tree.path())}),
              UnorderedElementsAre(Pair(testing::_, HasSubstr("nested deeper"))));
}

TEST(WalkTest, TheSecondFileOfAKeyFails) {
  test::TempDir tree;
  tree.Write("a/same", "1");
  tree.Write("a/only-a", "1");
  tree.Write("a/excluded", "1");
  tree.Write("b/same", "2");
  tree.Write("b/excluded", "2");
  auto first = Root(tree / "a");
  first.exclude = {"excluded"};
  const auto found = WalkAll({first, Root(tree / "b")});
  EXPECT_THAT(found, UnorderedElementsAre(Pair("same", HasSubstr("/a/same has the same key")),
                                          Pair("only-a", "task"), Pair("excluded", "task")));
}

TEST(RootProblemTest, NamesTheRootThatCannotBeRead) {
  test::TempDir tree;
  ASSERT_EQ(mkfifo((tree / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(RootProblem({Root(tree.path())}), std::nullopt);
  EXPECT_THAT(*RootProblem({Root(tree.path()), Root(tree / "gone")}), HasSubstr("/gone: No such file"));
  EXPECT_THAT(*RootProblem({Root(tree / "fifo")}), HasSubstr("a FIFO"));
}

}  // namespace walk_test
}  // namespace pipeline
