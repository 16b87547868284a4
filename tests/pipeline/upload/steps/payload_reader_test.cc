// Tests whole runs in which files change while they are uploaded: each object is one version of its file.
#include "pipeline/upload/steps/payload_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/run_fixture.h"

namespace pipeline {
namespace payload_reader_test {

TEST(PartDigestTest, TheStrongestDigestCounts) {
  const auto digest = [](s3::PayloadMode mode, s3::ChecksumAlgorithm checksum) {
    const auto text = PartDigest(s3::MakePayload("abc", {.payload = mode, .checksum = checksum}));
    return text.substr(0, text.find(':'));
  };
  EXPECT_EQ(digest(s3::PayloadMode::kSha256, s3::ChecksumAlgorithm::kCrc32c), "sha256");
  EXPECT_EQ(digest(s3::PayloadMode::kUnsigned, s3::ChecksumAlgorithm::kCrc32c), "checksum");
  EXPECT_EQ(PartDigest(s3::MakePayload(
                "abc", {.payload = s3::PayloadMode::kUnsigned, .checksum = s3::ChecksumAlgorithm::kNone})),
            "md5:900150983cd24fb0d6963f7d28e17f72");
}

// Parameters: how the file changes, and whether it is sent in one request.
class ChangingFileTest : public test::RunFixture,
                         public testing::WithParamInterface<std::tuple<const char*, bool>> {};

// A writer changes the file at random moments of its upload, again and again. All bytes of a version are the
// same, so a mixture of two versions shows.
TEST_P(ChangingFileTest, TheObjectIsOneVersionOrNone) {
  namespace fs = std::filesystem;
  const std::string_view how = std::get<0>(GetParam());
  const bool whole = std::get<1>(GetParam());
  const std::size_t bytes = whole ? 400'000 : 20'000;
  if (!whole) UseSmallParts();
  auto random = test::SeededRandom();
  server_options_.latency = std::chrono::milliseconds(1);
  options_.upload.changed_file_retries = 3;
  options_.upload.concurrency = 4;
  StartServer();
  const auto s3_options = test::OptionsFor(*server_);
  int uploaded = 0, changed = 0, outlived = 0;
  std::uint64_t restarts = 0;
  for (int round = 0; round < 20; ++round) {
    const auto path = directory_.Write("data/f", std::string(bytes, 'a'));
    std::atomic<bool> done{false};
    // The file must be old enough to be read at once: otherwise every upload would begin with a pause.
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    std::thread writer([&, seed = random()] {
      std::mt19937_64 own(seed);
      for (int version = 1; version <= 25 && !done; ++version) {
        // The test needs random moments; no result depends on the time.
        std::this_thread::sleep_for(std::chrono::microseconds(own() % (version == 1 ? 12'000 : 60'000)));
        const char letter = static_cast<char>('a' + version);
        if (how == "rewritten") {
          std::fstream file(path, std::ios::in | std::ios::out);
          file << std::string(bytes, letter) << std::flush;
        } else if (how == "replaced") {
          fs::rename(directory_.Write("next", std::string(bytes, letter)), path);
        } else if (how == "truncated") {
          fs::resize_file(path, bytes - static_cast<std::size_t>(version) * 700);
        } else {
          std::ofstream(path, std::ios::app) << std::string(1000, 'a');
        }
      }
    });
    options_.report.run_dir = directory_ / ("run" + std::to_string(round));
    const auto run = RunAgainst(s3_options);
    done = true;
    writer.join();
    ASSERT_TRUE(run.summary.AddsUp());
    ASSERT_EQ(server_->CountUploads("bucket"), 0u);
    const auto line = Journal(run).at(0);
    if (line.at("outcome") == "uploaded") {
      ++uploaded;
      const auto stored = Stored("f");
      ASSERT_EQ(stored.size(), line.at("size").get<std::size_t>());
      // A version that is written in place can be half written when it is read. It must be what the file was
      // at one moment: new bytes in front of old ones.
      if (how == "rewritten") {
        ASSERT_TRUE(std::is_sorted(stored.rbegin(), stored.rend())) << "round " << round;
        const bool two = stored.front() != stored.back();
        ASSERT_TRUE(!two || stored.front() == stored.back() + 1)
            << "more than two versions in round " << round;
      } else {
        ASSERT_EQ(stored, std::string(stored.size(), stored.front())) << "round " << round;
        // The version that was opened stays the same under its descriptor.
        if (how == "replaced" && stored != test::ReadAll(path)) ++outlived;
      }
    } else {
      ++changed;
      ASSERT_EQ(line.at("kind"), "changed") << line;
    }
    restarts += run.summary.retries;
    server_->store().DeleteObject("bucket", "f");
  }
  std::printf("%d uploaded, %d failed as changed, %d uploaded again\n", uploaded, changed,
              static_cast<int>(restarts));
  EXPECT_GT(changed + static_cast<int>(restarts) + outlived, 0)
      << "no change happened during an upload: nothing was tested";
}

INSTANTIATE_TEST_SUITE_P(Ways, ChangingFileTest,
                         testing::Combine(testing::Values("rewritten", "replaced", "truncated", "grown"),
                                          testing::Bool()),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param)) +
                                  (std::get<1>(test.param) ? "Whole" : "InParts");
                         });

}  // namespace payload_reader_test
}  // namespace pipeline
