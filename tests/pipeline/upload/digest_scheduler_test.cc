// Payloads that are digested together get the right digests, and each one its own errors.
#include "pipeline/upload/digest_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <new>
#include <thread>

#include "s3/hash/checksum.h"
#include "s3/hash/hash.h"
#include "tests/support/counting_waiter.h"
#include "tests/support/support.h"
#include "tests/support/task_threads.h"

namespace pipeline {
namespace digest_scheduler_test {

// Digests that can be computed for several payloads at once on every processor.
constexpr s3::IntegrityOptions kHashed{.payload = s3::PayloadMode::kSha256,
                                       .checksum = s3::ChecksumAlgorithm::kMd5};
constexpr std::size_t kLarge = DigestScheduler::kMinBytes;

// A payload of some pieces, and the threads that have read them.
struct Pieces {
  explicit Pieces(int count) : text(test::Content(static_cast<std::size_t>(count) * kPieceBytes)) {}

  s3::Result<std::string_view> operator()() {
    readers.push_back(std::this_thread::get_id());
    const auto piece = std::string_view(text).substr(at, kPieceBytes);
    at += piece.size();
    return piece;
  }

  static constexpr std::size_t kPieceBytes = 1000;
  const std::string text;
  std::size_t at = 0;
  std::vector<std::thread::id> readers;
};

class DigestSchedulerTest : public testing::Test {
 protected:
  // Digests one payload in a thread of its own, which waits like a task.
  std::thread Task(Pieces* pieces, s3::Sha256Engine engine = s3::BestSha256Engine()) {
    return std::thread([this, pieces, engine] {
      s3::PayloadDigests digests(kHashed, engine);
      EXPECT_TRUE(lanes.Digest(kLarge, std::ref(*pieces), &digests));
      EXPECT_EQ(digests.Finish(pieces->text).sha256, s3::Sha256Hex(pieces->text));
    });
  }
  template <typename Next>
  std::thread FailingTask(Next next, const char* message) {
    return std::thread([this, next, message] {
      s3::PayloadDigests digests(kHashed);
      try {
        const auto result = lanes.Digest(kLarge, next, &digests);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().message, message);
      } catch (const std::bad_alloc&) {
        EXPECT_STREQ(message, "bad_alloc");
      }
    });
  }

  // Returns how many of `count` payloads the first enqueued task digests. Then the rest is digested, too.
  std::size_t DigestedByOne(std::size_t count, s3::Sha256Engine engine) {
    constexpr int kMany = 3 * DigestScheduler::kPiecesAtATime;
    std::deque<Pieces> payloads;
    std::vector<std::thread> waiting_tasks;
    for (std::size_t i = 0; i < count; ++i)
      waiting_tasks.push_back(Task(&payloads.emplace_back(kMany), engine));
    waiter.WaitFor(count);
    tasks.RunOne();
    const std::vector<std::thread::id> here(DigestScheduler::kPiecesAtATime, std::this_thread::get_id());
    std::size_t digested = 0;
    for (const auto& pieces : payloads) {
      if (pieces.readers.empty()) continue;
      ++digested;
      EXPECT_EQ(pieces.readers, here);
    }
    tasks.RunAll();
    for (auto& task : waiting_tasks) task.join();
    for (const auto& pieces : payloads) EXPECT_EQ(pieces.readers.size(), kMany + 1u);
    waiter.Forget();
    return digested;
  }

  test::CountingWaiter waiter;
  test::TaskThreads tasks{0};
  static constexpr int kCores = 5;
  DigestScheduler lanes{kCores, &waiter,
                        [this](std::function<void()> task) { tasks.Enqueue(std::move(task)); }};
};

TEST_F(DigestSchedulerTest, OneTaskDigestsSeveralTogether) {
  for (const auto engine :
       {s3::Sha256Engine::kOpenSsl, s3::Sha256Engine::kAvx2, s3::Sha256Engine::kShaExtensions}) {
    if (!s3::Has(engine)) continue;
    const auto lanes = s3::Sha256AndMd5Lanes(engine);
    EXPECT_GE(lanes, 4u);
    EXPECT_EQ(DigestedByOne(2 * kCores, engine), std::min<std::size_t>(lanes, 2 * kCores));
  }
}

// If there are few payloads, each takes longer in a vector than alone, and there are enough cores for all.
TEST_F(DigestSchedulerTest, FewPayloadsAreDigestedAloneOnACoreEach) {
  if (!s3::Has(s3::Sha256Engine::kAvx2)) GTEST_SKIP() << "no AVX2";
  EXPECT_EQ(DigestedByOne(2 * kCores - 1, s3::Sha256Engine::kAvx2), 1u);
  EXPECT_EQ(DigestedByOne(2 * kCores, s3::Sha256Engine::kAvx2), 8u)
      << "the payloads of the first round are still counted";
}

TEST_F(DigestSchedulerTest, SmallPayloadsAreDigestedByTheCaller) {
  Pieces small(3);
  s3::PayloadDigests digests(kHashed);
  EXPECT_TRUE(lanes.Digest(kLarge - 1, std::ref(small), &digests));
  EXPECT_EQ(digests.Finish(small.text).sha256, s3::Sha256Hex(small.text));
}

// An error belongs to the payload whose bytes could not be read, whichever thread read them.
TEST_F(DigestSchedulerTest, ErrorsStayWithTheirPayload) {
  Pieces good(20);
  std::thread waiting_tasks[] = {
      FailingTask([]() -> s3::Result<std::string_view> { return s3::Fail(s3::ErrorKind::kLocal, "no disk"); },
                  "no disk"),
      Task(&good),
      FailingTask([]() -> s3::Result<std::string_view> { throw std::bad_alloc(); }, "bad_alloc")};
  tasks.WaitFor(3);
  tasks.RunAll();
  for (auto& task : waiting_tasks) task.join();
}

TEST_F(DigestSchedulerTest, ManyOfAllSizesAtOnce) {
  auto random = test::SeededRandom();
  std::vector<std::string> texts;
  for (unsigned i = 0; i < 200; ++i) texts.push_back(test::Content(random() % (3 * kLarge), i));
  test::TaskThreads workers(3);
  DigestScheduler busy(2, &waiter, [&](std::function<void()> task) { workers.Enqueue(std::move(task)); });
  std::atomic<std::size_t> next_text = 0;
  std::vector<std::thread> waiting_tasks;
  for (int i = 0; i < 8; ++i) {
    waiting_tasks.emplace_back([&] {
      for (std::size_t at; (at = next_text++) < texts.size();) {
        std::string_view left = texts[at];
        s3::PayloadDigests digests(
            {.payload = s3::PayloadMode::kSha256,
             .checksum = at % 2 == 0 ? s3::ChecksumAlgorithm::kCrc32c : s3::ChecksumAlgorithm::kMd5});
        const auto piece_bytes = 10'000 + at * 517;
        EXPECT_TRUE(busy.Digest(
            left.size(),
            [&]() -> s3::Result<std::string_view> {
              const auto piece = left.substr(0, piece_bytes);
              left.remove_prefix(piece.size());
              return piece;
            },
            &digests));
        const auto payload = digests.Finish(texts[at]);
        EXPECT_EQ(payload.sha256, s3::Sha256Hex(texts[at])) << at;
        EXPECT_EQ(payload.checksum, s3::ChecksumText(payload.integrity.checksum, texts[at])) << at;
      }
    });
  }
  for (auto& task : waiting_tasks) task.join();
  workers.Finish();
}

}  // namespace digest_scheduler_test
}  // namespace pipeline
