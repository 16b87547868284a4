// Tests an Uploader that gets no memory. This file replaces operator new; Shortage makes it fail.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/library/library_fixture.h"
#include "tests/support/support.h"

namespace {
std::atomic<std::size_t> refused_bytes{std::numeric_limits<std::size_t>::max()};
}  // namespace

// All forms of new whose memory comes to these forms of delete; ASan has its own for the others. Not inline,
// so that the compiler does not see free() for memory of new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* const memory = bytes < refused_bytes ? std::malloc(bytes) : nullptr;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return bytes < refused_bytes ? std::malloc(bytes) : nullptr;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace s3flow {
namespace memory_shortage_test {

using library_test::BucketWith;
using library_test::BufferOf;
using library_test::Opened;
using library_test::OptionsFor;
using s3::endpoint::Server;

constexpr std::size_t kLarge = 8 << 20;  // more than anything else that these tests allocate

// While it exists, no thread gets kLarge bytes or more.
struct Shortage {
  Shortage() { refused_bytes = kLarge; }
  ~Shortage() { refused_bytes = std::numeric_limits<std::size_t>::max(); }
};

// The message about a path contains the path.
TEST(MemoryShortageTest, AnInputThatCannotBeDescribedFails) {
  const Server server(BucketWith());
  auto uploader = Opened(OptionsFor(server));
  std::map<std::string, UploadResult> results;
  uploader.Start([&](UploadResult result) { results.emplace(result.key, result); });
  auto file = UploadFile(std::string(kLarge, 'p'), "long");
  file.tag = 7;
  {
    const Shortage shortage;
    uploader.Submit(std::move(file));
    uploader.Submit(UploadBuffer(BufferOf("x"), "other"));
    uploader.Wait();
  }
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results.at("long").status, Status::kFailed);
  EXPECT_EQ(results.at("long").tag, 7u);
  EXPECT_EQ(results.at("long").error->message, "out of memory");
  EXPECT_TRUE(results.at("other").uploaded());
}

// The key is too long for S3, so each input has a result at once, and the second result needs a copy of it.
TEST(MemoryShortageTest, AResultThatCannotBeCopiedReachesItsReceiverWithoutTexts) {
  // ASan: as in uploader_test.cc. TSan takes minutes to suppress a false race for each word of a large key
  // that goes through oneTBB, which is not instrumented.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers do not understand oneTBB here";
#endif
  const Server server(BucketWith());
  auto uploader = Opened(OptionsFor(server));
  std::optional<Shortage> shortage;
  std::vector<UploadResult> results;
  std::promise<void> submitted;
  uploader.Start([&, all_are = submitted.get_future().share()](UploadResult result) {
    all_are.wait();
    results.push_back(std::move(result));
    shortage.emplace();
  });
  for (unsigned i = 0; i < 3; ++i) {
    auto upload = UploadBuffer(BufferOf("x"), std::string(kLarge, 'k'));
    upload.tag = i;
    uploader.Submit(std::move(upload));
  }
  submitted.set_value();
  uploader.Wait();
  shortage.reset();
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].error->kind, "unsupported");
  for (unsigned i = 1; i < 3; ++i) {
    EXPECT_EQ(results[i].tag, i);
    EXPECT_EQ(results[i].key, "");
    EXPECT_EQ(results[i].status, Status::kFailed);
    EXPECT_EQ(results[i].error->message, "out of memory");
  }
}

}  // namespace memory_shortage_test
}  // namespace s3flow
