// Payloads that are digested together come to the same digests, and each gets its own errors.
#include "pipeline/digest_lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <new>
#include <thread>

#include "s3/checksum.h"
#include "s3/hash.h"
#include "tests/support/support.h"
#include "tests/support/task_threads.h"

namespace pipeline {
namespace {

// These have lanes on every processor.
constexpr s3::IntegrityOptions kHashed{.payload = s3::PayloadMode::kSha256,
                                       .checksum = s3::ChecksumAlgorithm::kMd5};
constexpr std::size_t kLarge = DigestLanes::kLeastBytes;

// A payload of some pieces, and who has read them.
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

class DigestLanesTest : public testing::Test {
 protected:
  // A body in a thread of its own.
  std::thread Body(Pieces* pieces) {
    return std::thread([this, pieces] {
      s3::PayloadDigests digests(kHashed);
      EXPECT_TRUE(lanes.Digest(kLarge, std::ref(*pieces), &digests));
      EXPECT_EQ(digests.Finish(pieces->text).sha256, s3::Sha256Hex(pieces->text));
    });
  }
  template <typename Next>
  std::thread FailingBody(Next next, const char* message) {
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

  s3::BlockingWaiter waiter;
  test::TaskThreads tasks{0};
  DigestLanes lanes{5, &waiter, [this](std::function<void()> task) { tasks.Enqueue(std::move(task)); }};
};

TEST_F(DigestLanesTest, OneTaskDigestsFourForAWhile) {
  constexpr int kMany = 3 * DigestLanes::kPiecesAtATime;
  std::deque<Pieces> payloads;
  std::vector<std::thread> bodies;
  for (std::size_t i = 0; i < 5; ++i) {
    bodies.push_back(Body(&payloads.emplace_back(kMany)));
    tasks.WaitFor(i + 1);
  }
  tasks.RunOne();
  const std::vector<std::thread::id> here(DigestLanes::kPiecesAtATime, std::this_thread::get_id());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(payloads[i].readers, here);
  EXPECT_TRUE(payloads[4].readers.empty());
  tasks.RunAll();
  for (auto& body : bodies) body.join();
  for (const auto& pieces : payloads) EXPECT_EQ(pieces.readers.size(), kMany + 1u);
}

TEST_F(DigestLanesTest, SmallOnesAreDigestedWhereTheyAre) {
  Pieces small(3);
  s3::PayloadDigests digests(kHashed);
  EXPECT_TRUE(lanes.Digest(kLarge - 1, std::ref(small), &digests));
  EXPECT_EQ(digests.Finish(small.text).sha256, s3::Sha256Hex(small.text));
}

// An error is that of whose bytes could not be read, whoever read them, and stops nobody else.
TEST_F(DigestLanesTest, ErrorsStayWithTheirPayload) {
  Pieces good(20);
  std::thread bodies[] = {
      FailingBody([]() -> s3::Result<std::string_view> { return s3::Fail(s3::ErrorKind::kLocal, "no disk"); },
                  "no disk"),
      Body(&good),
      FailingBody([]() -> s3::Result<std::string_view> { throw std::bad_alloc(); }, "bad_alloc")};
  tasks.WaitFor(3);
  tasks.RunAll();
  for (auto& body : bodies) body.join();
}

TEST_F(DigestLanesTest, ManyOfAllSizesAtOnce) {
  auto random = test::SeededRandom();
  std::vector<std::string> texts;
  for (unsigned i = 0; i < 200; ++i) texts.push_back(test::Content(random() % (3 * kLarge), i));
  test::TaskThreads workers(3);
  DigestLanes busy(2, &waiter, [&](std::function<void()> task) { workers.Enqueue(std::move(task)); });
  std::atomic<std::size_t> next_text = 0;
  std::vector<std::thread> bodies;
  for (int i = 0; i < 8; ++i) {
    bodies.emplace_back([&] {
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
  for (auto& body : bodies) body.join();
  workers.Finish();
}

}  // namespace
}  // namespace pipeline
