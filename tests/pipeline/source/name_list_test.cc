// Names of lists: how bytes become names, and names paths below a root.
#include "pipeline/source/name_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/mutator.h"
#include "tests/support/support.h"

namespace pipeline {
namespace name_list_test {

using testing::ElementsAre;
using testing::HasSubstr;

// Gives at most `step` bytes of `text` at a time.
NameReader ReaderOf(const std::string& text, std::size_t step, char separator) {
  return NameReader(
      [text, step, at = std::size_t{0}](std::span<char> bytes) mutable -> s3::Result<std::size_t> {
        const auto length = std::min({step, bytes.size(), text.size() - at});
        std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(at), length, bytes.begin());
        at += length;
        return length;
      },
      separator);
}

std::vector<std::string> NamesOf(const std::string& text, std::size_t step, char separator = '\n') {
  auto reader = ReaderOf(text, step, separator);
  std::vector<std::string> names;
  for (auto next = reader.Next().value(); next; next = reader.Next().value()) {
    EXPECT_EQ(next->number, names.size() + 1);
    names.push_back(next->name + (next->is_cut ? "..." : ""));
  }
  return names;
}

TEST(NameReaderTest, SplitsAtTheSeparatorWhereverABlockEnds) {
  for (const std::size_t step : {1, 2, 3, 100}) {
    EXPECT_THAT(NamesOf("a\n\nbc \r\n\td", step), ElementsAre("a", "", "bc \r", "\td"));
    EXPECT_THAT(NamesOf("a\nb\n", step), ElementsAre("a", "b"));
    EXPECT_THAT(NamesOf("", step), ElementsAre());
    EXPECT_THAT(NamesOf("\n", step), ElementsAre(""));
    EXPECT_THAT(NamesOf(std::string("a\nb\0c\0", 6), step, '\0'), ElementsAre("a\nb", "c"));
  }
}

TEST(NameReaderTest, CutsANameThatIsLongerThanAPath) {
  const std::string longest(kMaxNameBytes, 'x');
  for (const std::size_t step : {1000, 100'000}) {
    EXPECT_THAT(NamesOf(longest + "\n" + longest + "y\nz\n", step),
                ElementsAre(longest, longest + "...", "z"));
    EXPECT_THAT(NamesOf(std::string(3'000'000, 'x') + "\nz", step), ElementsAre(longest + "...", "z"));
  }
}

std::string PathOf(const std::string& name, const std::vector<std::string>& roots = {"/data/set"}) {
  const auto path = PathBelowRoot({1, name, false}, roots);
  return path ? *path : "wrong: " + path.error();
}

TEST(PathBelowRootTest, DropsPartsThatMeanNothing) {
  for (const auto* name :
       {"a/b", "./a/b", "a//b", "a/./b/", "././a/b", "/data/set/a/b", "/data/set//./a/b"}) {
    EXPECT_EQ(PathOf(name), "a/b") << name;
  }
  EXPECT_EQ(PathOf("/etc/passwd", {""}), "etc/passwd") << "the root is /";
  EXPECT_EQ(PathOf("..a/b.."), "..a/b..");
  EXPECT_EQ(PathOf(" a\r"), " a\r");
}

TEST(PathBelowRootTest, RefusesWhatIsNotBelowTheRoot) {
  for (const auto* name : {"..", "../a", "a/..", "a/../b", "/data/set/../a", "./.."}) {
    EXPECT_THAT(PathOf(name), HasSubstr("wrong: the name has the part '..'")) << name;
  }
  for (const auto* name : {"/", "/etc/passwd", "/data/set2/a", "/data", "//data/set/a"}) {
    EXPECT_THAT(PathOf(name), HasSubstr("wrong: the name is absolute")) << name;
  }
  for (const auto* name : {".", "./", "/data/set", "/data/set/"}) {
    EXPECT_THAT(PathOf(name), HasSubstr("wrong: the name is that of the root")) << name;
  }
  EXPECT_THAT(PathOf(""), HasSubstr("is empty"));
  EXPECT_THAT(PathOf(std::string("a\0b", 3)), HasSubstr("NUL"));
  EXPECT_THAT(PathBelowRoot({1, "a", true}, {}).error(), HasSubstr("longer than 4095 bytes"));
}

TEST(PathBelowRootTest, NoNameOfADamagedListLeadsOutOfTheRoot) {
  const std::vector<std::string> roots{"/data/set"},
      seeds{"a/b", "../", "/data/set/../x", "./..", "//", "..a/.b/c.."};
  test::Mutator mutator;
  for (int round = 0; round < test::Rounds(); ++round) {
    const auto name = mutator.Next(seeds);
    const auto path = PathBelowRoot({1, name, false}, roots);
    if (!path) continue;
    const auto framed = "/" + *path + "/";
    for (const auto* bad : {"//", "/./", "/../"}) {
      ASSERT_EQ(framed.find(bad), std::string::npos) << testing::PrintToString(name);
    }
    ASSERT_EQ(path->find('\0'), std::string::npos);
  }
}

TEST(NameListTest, FailsIfTheListIsWrittenToWhileItIsRead) {
  const test::TempDir directory;
  directory.Write("names", "a\nb\n");
  auto list = NameList::Open(directory / "names", '\n');
  ASSERT_TRUE(list);
  EXPECT_EQ(list->Next().value()->name, "a");
  std::ofstream(directory / "names", std::ios::app) << "c\n";
  EXPECT_EQ(list->Next().value()->name, "b");
  EXPECT_EQ(list->Next().value()->name, "c");
  const auto end = list->Next();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, s3::ErrorKind::kChanged);
  EXPECT_THAT(end.error().message, HasSubstr("changed while it was read"));
}

TEST(NameListTest, ReadsAListToItsEndAfterItsNameIsGone) {
  const test::TempDir directory;
  directory.Write("names", "a\n");
  auto list = NameList::Open(directory / "names", '\n');
  ASSERT_TRUE(list);
  std::filesystem::remove(directory / "names");
  EXPECT_EQ(list->Next().value()->name, "a");
  EXPECT_FALSE(list->Next().value());
  EXPECT_FALSE(list->interrupted());
}

TEST(NameListTest, RefusesADirectoryAndAMissingFile) {
  const test::TempDir directory;
  EXPECT_THAT(NameList::Open(directory.path(), '\n').error().message, HasSubstr("is a directory"));
  EXPECT_THAT(NameList::Open(directory / "none", '\n').error().message, HasSubstr("No such file"));
}

TEST(NameListTest, AStopEndsTheWaitForTheWriterOfAFifo) {
  const test::TempDir directory;
  ASSERT_EQ(mkfifo((directory / "fifo").c_str(), 0600), 0);
  std::stop_source stop;
  auto list = NameList::Open(directory / "fifo", '\n', stop.get_token());
  ASSERT_TRUE(list);
  std::thread stopper([&] { stop.request_stop(); });
  EXPECT_FALSE(list->Next().value());
  EXPECT_TRUE(list->interrupted());
  stopper.join();
}

}  // namespace name_list_test
}  // namespace pipeline
