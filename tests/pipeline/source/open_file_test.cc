#include "pipeline/source/open_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <span>
#include <thread>

#include "pipeline/fs/beneath.h"
#include "pipeline/fs/io_retry.h"
#include "pipeline/upload/property_rules.h"
#include "s3/base/unique_fd.h"
#include "tests/support/support.h"

namespace pipeline {
namespace open_file_test {

using s3::ErrorKind;
using testing::HasSubstr;

class OpenFileTest : public testing::Test {
 protected:
  InputFile File(const std::string& path) {
    InputFile file;
    file.path = path;
    file.key = file.path.substr(file.path.rfind('/') + 1);
    struct stat status;
    file.size_bytes = stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
    return file;
  }
  test::TempDir directory_;
};

TEST_F(OpenFileTest, ReadsAnyRange) {
  std::string content(1'000'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7);
  const auto opened = OpenFile::Open(File(directory_.Write("f", content)));
  ASSERT_TRUE(opened);
  for (const auto& [offset, size] :
       {std::pair(0u, 0u), {0u, 1u}, {0u, 1'000'000u}, {999'999u, 1u}, {5u, 4096u}}) {
    std::string bytes(size, 'x');
    ASSERT_TRUE(opened->Read(offset, bytes));
    EXPECT_EQ(bytes, content.substr(offset, size));
  }
  std::string beyond(2, 'x');
  EXPECT_EQ(opened->Read(999'999, beyond).error().kind, ErrorKind::kChanged);
  EXPECT_TRUE(opened->MayHaveChanged());
}

// A file in the current directory, which is that of the build: TMPDIR may be a tmpfs, which has no O_DIRECT.
// The file's name is removed at once, so that even a killed test leaves nothing behind. Input() names the
// file by the path of its descriptor.
struct UnnamedFile {
  UnnamedFile() {
    std::string name = "s3flow-test-XXXXXX";
    fd = s3::UniqueFd(mkstemp(name.data()));
    unlink(name.c_str());
  }
  InputFile Input(std::uint64_t size_bytes) const {
    InputFile file;
    file.path = "/proc/self/fd/" + std::to_string(fd.get());
    file.key = "unnamed";
    file.size_bytes = size_bytes;
    file.follow_symlink = true;
    return file;
  }
  s3::UniqueFd fd{-1};
};

// With and without the page cache.
TEST(ReadingTest, ReadsTheSameThroughAndPastThePageCache) {
  const auto content = test::Content(3 * 4096 + 77);
  const UnnamedFile unnamed;
  ASSERT_EQ(write(unnamed.fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  const std::unique_ptr<char, decltype(&std::free)> memory(
      static_cast<char*>(std::aligned_alloc(4096, 16384)), std::free);
  for (const auto cache : {PageCache::kKeep, PageCache::kDrop, PageCache::kBypass}) {
    InputFile file = unnamed.Input(content.size());
    file.reading = {.page_cache = cache, .keep_atime = true};
    const auto opened = OpenFile::Open(file);
    ASSERT_TRUE(opened) << opened.error().message;
    for (const auto& [offset, size] : {std::pair(0u, 3u * 4096 + 77),
                                       {0u, 4096u},
                                       {4096u, 8192u + 77},
                                       {5u, 9000u},
                                       {12288u, 77u},
                                       {12364u, 1u},
                                       {4095u, 2u},
                                       {8192u, 0u}}) {
      for (const std::size_t shift : {0u, 1u}) {
        const std::span<char> bytes(memory.get() + shift, size);
        ASSERT_TRUE(opened->Read(offset, bytes)) << offset << " " << size;
        EXPECT_EQ(std::string_view(bytes.data(), size), std::string_view(content).substr(offset, size));
      }
    }
    EXPECT_EQ(opened->Read(12288, {memory.get(), 78}).error().kind, ErrorKind::kChanged);
    EXPECT_EQ(opened->Read(20480, {memory.get(), 1}).error().kind, ErrorKind::kChanged);
  }
}

TEST(ReadingTest, DropsWhatWasReadAndPrefetches) {
  const UnnamedFile unnamed;
  const int fd = unnamed.fd.get();
  constexpr std::size_t kBytes = 1 << 20;
  const std::string content(kBytes, 'x');
  ASSERT_EQ(write(fd, content.data(), kBytes), static_cast<ssize_t>(kBytes));
  ASSERT_EQ(fsync(fd), 0);  // dirty pages would stay in the page cache
  const auto cached = [&] {
    void* const mapped = mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, fd, 0);
    std::vector<unsigned char> pages(kBytes / 4096);
    EXPECT_EQ(mincore(mapped, kBytes, pages.data()), 0);
    munmap(mapped, kBytes);
    return std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; });
  };
  ASSERT_EQ(cached(), 256);
  for (const auto& [cache, left] : {std::pair(PageCache::kKeep, 256), {PageCache::kDrop, 0}}) {
    InputFile file = unnamed.Input(kBytes);
    file.reading.page_cache = cache;
    std::string bytes(kBytes, '\0');
    ASSERT_TRUE(OpenFile::Open(file)->Read(0, bytes));
    EXPECT_EQ(bytes, content);
    EXPECT_EQ(cached(), left);
  }
  InputFile file = unnamed.Input(kBytes);
  // Prefetch() only gives advice. If memory is short, the system may fetch less, or drop some pages again.
  // Then the test calls Prefetch() again.
  for (int tries = 0; cached() < 256; ++tries) {
    if (tries % 1000 == 0) {
      posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
      EXPECT_TRUE(OpenFile::Open(file)->Prefetch(0, kBytes));
    }
    std::this_thread::yield();
  }
  file.reading.page_cache = PageCache::kBypass;
  EXPECT_FALSE(OpenFile::Open(file)->Prefetch(0, kBytes));
}

TEST_F(OpenFileTest, AFileThatBecameAFifoDoesNotHang) {
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(OpenFile::Open(File(directory_ / "fifo")).error().kind, ErrorKind::kChanged);
}

TEST_F(OpenFileTest, AFileThatIsLongerThanItsSizeIsNotTruncated) {
  const auto opened = OpenFile::Open(File("/proc/self/status"));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->MayHaveChanged().error().kind, ErrorKind::kChanged);
}

TEST_F(OpenFileTest, AFileThatBecameASymbolicLinkIsNotFollowed) {
  directory_.Write("target", "x");
  ASSERT_EQ(symlink("target", (directory_ / "link").c_str()), 0);
  EXPECT_EQ(OpenFile::Open(File(directory_ / "link")).error().kind, ErrorKind::kLocal);
}

// With openat2(2) and without it.
TEST_F(OpenFileTest, OpensOnlyWhatLiesBeneathTheRootAndNothingThroughLinks) {
  directory_.Write("root/a/b/file", "x");
  directory_.Write("outside/file", "x");
  const auto link = [&](const std::string& to, const std::string& name) {
    EXPECT_EQ(symlink(to.c_str(), (directory_ / name).c_str()), 0);
  };
  link("../outside", "root/out");
  link("b", "root/a/inside");
  link("file", "root/a/b/last");
  link("/proc/self/fd", "root/magic");
  const s3::UniqueFd root(open((directory_ / "root").c_str(), O_PATH | O_DIRECTORY));
  const struct {
    const char* relative;
    std::vector<int> errors;  // one of these is expected; empty: it can be opened
  } kNames[] = {{"a/b/file", {}},
                {"out/file", {ELOOP}},
                {"a/inside/file", {ELOOP}},
                {"a/b/last", {ELOOP}},
                {"magic/0", {ELOOP}},
                {"../outside/file", {EXDEV}},
                {"a/b/gone", {ENOENT}},
                {"a/gone/file", {ENOENT}},
                {"/etc/passwd", {EXDEV}},
                {"a/../../outside/file", {EXDEV}},
                {"a/b/file/more", {ENOTDIR, ELOOP}},
                {"out", {ELOOP}}};
  for (const auto& [relative, errors] : kNames) {
    for (const auto& way : {OpenBeneath, OpenStepByStep}) {
      errno = 0;
      const s3::UniqueFd fd(way(root.get(), relative, O_RDONLY | O_CLOEXEC));
      const int error = errno;
      EXPECT_EQ(fd.get() >= 0, errors.empty()) << relative;
      if (errors.empty()) continue;
      EXPECT_THAT(errors, testing::Contains(error)) << relative;
    }
  }
}

TEST_F(OpenFileTest, AMissingFileIsNamedAsSuch) {
  EXPECT_THAT(OpenFile::Open(File(directory_ / "gone")).error().message, HasSubstr("No such file"));
}

TEST_F(OpenFileTest, AnotherSizeThanTheWalkFoundIsAChange) {
  auto file = File(directory_.Write("f", "four"));
  directory_.Write("f", "seven..");
  EXPECT_EQ(OpenFile::Open(file).error().kind, ErrorKind::kChanged);
  EXPECT_EQ(CurrentSize(file), 7u);
  EXPECT_EQ(CurrentSize(File(directory_ / "gone")), 0u);
}

// All ways in which a file can change under an open descriptor.
TEST_F(OpenFileTest, EveryChangeIsNoticed) {
  namespace fs = std::filesystem;
  const auto path = directory_ / "f";
  const auto write_in_place = [&](const char* text) {
    std::FILE* const file = std::fopen(path.c_str(), "r+");
    std::fputs(text, file);
    std::fclose(file);
  };
  const std::vector<std::pair<std::string, std::function<void()>>> changes{
      {"grown", [&] { std::ofstream(path, std::ios::app) << "more"; }},
      {"truncated to zero", [&] { fs::resize_file(path, 0); }},
      {"shrunk", [&] { fs::resize_file(path, 3); }},
      {"rewritten in place", [&] { write_in_place("CONTENT!"); }},
      {"rewritten, mtime restored",
       [&] {
         const auto time = fs::last_write_time(path);
         write_in_place("CONTENT!");
         fs::last_write_time(path, time);
       }},
      {"replaced by another",
       [&] {
         directory_.Write("other", "content?");
         fs::rename(directory_ / "other", path);
       }},
      {"made sparse", [&] { fs::resize_file(path, 1 << 20); }},
  };
  for (const auto& [name, change] : changes) {
    directory_.Write("f", "content!");
    const auto opened = OpenFile::Open(File(path));
    ASSERT_TRUE(opened && opened->MayHaveChanged()) << name;
    usleep(5000);  // timestamps come from a clock that ticks every 4 ms
    change();
    const auto checked = opened->MayHaveChanged();
    const bool only_ctime = name == "rewritten, mtime restored" || name == "replaced by another";
    if (only_ctime) {
      EXPECT_TRUE(checked && *checked) << name << ": only its content can tell";
      continue;
    }
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().kind, ErrorKind::kChanged) << name;
  }
}

// Each ChangeCheck against each kind of change.
TEST_F(OpenFileTest, ChecksWhatChangeCheckSays) {
  namespace fs = std::filesystem;
  const auto path = directory_ / "f";
  const auto touch = [&] { fs::last_write_time(path, fs::last_write_time(path) - std::chrono::hours(1)); };
  const auto chmod = [&] { fs::permissions(path, fs::perms::owner_read); };
  const auto grow = [&] { std::ofstream(path, std::ios::app) << "more"; };
  const auto nothing = [] {};
  enum class Says { kSame, kAskContent, kChanged };
  using enum Says;
  const struct {
    ChangeCheck check;
    std::function<void()> change;
    Says says;
  } kCases[] = {{ChangeCheck::kContent, nothing, kSame},  {ChangeCheck::kContent, chmod, kAskContent},
                {ChangeCheck::kContent, touch, kChanged}, {ChangeCheck::kContent, grow, kChanged},
                {ChangeCheck::kTimes, nothing, kSame},    {ChangeCheck::kTimes, chmod, kSame},
                {ChangeCheck::kTimes, touch, kChanged},   {ChangeCheck::kTimes, grow, kChanged},
                {ChangeCheck::kNone, touch, kSame},       {ChangeCheck::kNone, grow, kSame}};
  for (const auto& [check, change, says] : kCases) {
    fs::remove(path);
    directory_.Write("f", "content!");
    auto file = File(path);
    file.reading.change_check = check;
    const auto opened = OpenFile::Open(file);
    ASSERT_TRUE(opened);
    usleep(20'000);  // timestamps come from a clock that ticks every 10 ms at most
    change();
    const auto moved = opened->MayHaveChanged();
    const auto said = !moved ? kChanged : *moved ? kAskContent : kSame;
    EXPECT_EQ(said, says) << static_cast<int>(check) << " case " << &says - &kCases[0].says;
  }
}

TEST_F(OpenFileTest, ACtimeThatMovedBeforeTheFirstReadIsTakenOver) {
  namespace fs = std::filesystem;
  const auto path = directory_.Write("f", "content!");
  auto opened = OpenFile::Open(File(path));
  ASSERT_TRUE(opened);
  bool asks_content = false;  // becomes true when two changes fall into one tick
  for (int tries = 0; tries < 1000 && !asks_content; ++tries) {
    fs::permissions(path, tries % 2 == 0 ? fs::perms::owner_read : fs::perms::owner_all);
    ASSERT_TRUE(opened->RefreshStatus());
    asks_content = *opened->MayHaveChanged();
  }
  EXPECT_TRUE(asks_content) << "a second change within that tick would not show";
  usleep(30'000);
  ASSERT_TRUE(opened->RefreshStatus());
  EXPECT_FALSE(*opened->MayHaveChanged());
  fs::resize_file(directory_.Write("f", "content!"), 3);
  EXPECT_EQ(opened->RefreshStatus().error().kind, ErrorKind::kChanged);
}

TEST(FileTimesTest, DifferentTimesStayDifferentAndAreWrittenExactly) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min(),
                 kMax = std::numeric_limits<std::int64_t>::max();
  const struct {
    timespec time;
    std::int64_t mtime_ns;
    const char* text;
  } kTimes[] = {{{0, 0}, 0, "0ns"},
                {{-1, 999'999'999}, -1, "-1ns"},
                {{-1, 0}, -1'000'000'000, "-1000000000ns"},
                {{2'147'483'648, 5}, 2'147'483'648'000'000'005, "2147483648000000005ns"},
                {{9'223'372'036, 854'775'807}, kMax, "9223372036854775807ns"},
                {{9'223'372'036, 854'775'808}, kMin, "9223372036854775808ns"},
                {{15'032'385'535, 0}, -3414358538709551616, "15032385535000000000ns"},
                {{kMax, 999'999'999}, -1, "9223372036854775807999999999ns"},
                {{kMin, 0}, 0, "-9223372036854775808000000000ns"}};
  for (const auto& [time, mtime_ns, text] : kTimes) {
    struct stat status = {};
    status.st_mtim = time;
    EXPECT_EQ(MtimeNs(status), mtime_ns) << text;
    EXPECT_EQ(PosixTime(time), text);
  }
}

TEST(IoRetryTest, TemporaryErrorsAreRetriedAFewTimes) {
  const auto tries = [](int error) {
    int failed = 1;
    while (IoRetryDelay(error, failed)) ++failed;
    return failed;
  };
  for (const int error : {EINTR, EAGAIN, EBUSY, ENOMEM, ESTALE}) EXPECT_EQ(tries(error), 5) << error;
  for (const int error : {EIO, ETIMEDOUT, ENOENT}) EXPECT_EQ(tries(error), 2) << error;
  for (const int error : {0, EACCES, EPERM, ELOOP, ENAMETOOLONG, ENOTDIR, EINVAL, EMFILE, ENFILE}) {
    EXPECT_EQ(tries(error), 1) << error;
  }
}

}  // namespace open_file_test
}  // namespace pipeline
