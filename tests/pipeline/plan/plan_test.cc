// Plans: how inputs are cut, dealt out and written down.
#include "pipeline/plan/planner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>

#include "pipeline/journal/checksummed_line.h"
#include "pipeline/plan/file_splitter.h"
#include "pipeline/plan/manifest.h"
#include "pipeline/plan/manifest_writer.h"
#include "pipeline/plan/shard_balancer.h"
#include "pipeline/plan/size_classes.h"
#include "s3/hash/checksum.h"
#include "tests/support/mutator.h"

namespace pipeline {
namespace {

using testing::HasSubstr;

// Sizes as they are: many small ones, few large ones.
std::vector<std::uint64_t> Sizes(std::mt19937_64* random, int count) {
  std::lognormal_distribution<double> sizes(9, 3);
  std::vector<std::uint64_t> all;
  for (int i = 0; i < count; ++i) all.push_back(static_cast<std::uint64_t>(std::min(sizes(*random), 1e12)));
  return all;
}

TEST(DealTest, ShardsGetTheSame) {
  auto random = test::SeededRandom();
  for (const int shards : {1, 2, 7, 64}) {
    auto sizes = Sizes(&random, 5000);
    std::sort(sizes.rbegin(), sizes.rend());
    ShardBalancer dealer(shards);
    for (std::size_t at = 0; at < sizes.size(); at += static_cast<std::size_t>(shards)) {
      std::vector<ShardLoad> round;
      for (auto i = at; i < std::min(sizes.size(), at + static_cast<std::size_t>(shards)); ++i) {
        round.push_back({1, sizes[i], 1});
      }
      std::shuffle(round.begin(), round.end(), random);
      dealer.Deal(round);
    }
    const auto& loads = dealer.loads();
    const auto spread = [&](auto what) {
      const auto [least, most] = std::minmax_element(
          loads.begin(), loads.end(), [&](const auto& a, const auto& b) { return a.*what < b.*what; });
      return *most.*what - *least.*what;
    };
    EXPECT_LE(spread(&ShardLoad::bytes), sizes.front()) << shards;
    EXPECT_LE(spread(&ShardLoad::inputs), 1u) << shards;
    std::uint64_t bytes = 0;
    for (const auto& load : loads) bytes += load.bytes;
    EXPECT_EQ(bytes, std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0}));
  }
}

TEST(SizeClassesTest, GiveAllBackByClass) {
  auto random = test::SeededRandom();
  const test::TempDir directory;
  std::multiset<std::string> added, drained;
  std::uint64_t above = 0;
  {
    SizeClasses spool(OwnDir::Open(directory.path()).value());
    for (const auto size : Sizes(&random, 3000)) {
      const auto line = fmt::format("{} {}\n", size, random());
      added.insert(line);
      ASSERT_TRUE(spool.Add({size, 3, line}));
    }
    std::uint64_t before = UINT64_MAX;
    const auto take = [&](const SizeClasses::Item& item) -> s3::Result<void> {
      EXPECT_LE(item.bytes, before + before / 4 + 1);
      EXPECT_EQ(item.requests, 3u);
      before = item.bytes;
      drained.insert(std::string(item.line));
      return {};
    };
    ASSERT_TRUE(spool.DrainAbove(1 << 20, take));
    for (const auto& line : drained) {
      EXPECT_GT(std::stoull(line), 1u << 20);
      above = std::max<std::uint64_t>(above, std::stoull(line));
    }
    EXPECT_GT(above, 1u << 20) << "nothing was above";
    ASSERT_TRUE(spool.Drain(take));
    ASSERT_TRUE(spool.Drain([](const auto&) { return s3::Fail(s3::ErrorKind::kLocal, "not empty"); }));
  }
  EXPECT_EQ(drained, added);
  EXPECT_FALSE(std::filesystem::exists(directory / "spool"));
}

TEST(CutterTest, RangesAreWholeAndEqual) {
  for (const int parts : {2, 7, 256, 9999}) {
    for (const int pieces : {1, 2, 5, 7, 64}) {
      if (pieces > parts) continue;
      const auto ranges = SplitParts({.parts = parts}, pieces);
      int next = 1;
      for (const auto& [first, last] : ranges) {
        EXPECT_EQ(first, next);
        EXPECT_NEAR(last - first + 1, static_cast<double>(parts) / pieces, 1);
        next = last + 1;
      }
      EXPECT_EQ(next, parts + 1);
      EXPECT_EQ(ranges.size(), static_cast<std::size_t>(pieces));
    }
  }
}

InputFile AFile() {
  InputFile file;
  file.path = "/data/caf\xe9 \"1\"";
  file.key = "p/caf\xe9 \"1\"";
  file.size_bytes = 100 << 20;
  file.mtime_ns = 1234567890123456789;
  file.relative_at = 2;
  file.follow_symlink = true;
  return file;
}

std::string WithoutNewline(std::string line) {
  line.pop_back();
  return line;
}

TEST(ManifestTest, LinesSayAllThatARunNeeds) {
  auto file = AFile();
  auto read = ReadManifestLine(WithoutNewline(ManifestLine(file)));
  ASSERT_TRUE(read) << read.error().message;
  const auto& whole = *std::get<std::shared_ptr<const InputFile>>(*read);
  EXPECT_EQ(std::tie(whole.path, whole.key, whole.size_bytes, whole.mtime_ns, whole.relative_at),
            std::tie(file.path, file.key, file.size_bytes, file.mtime_ns, file.relative_at));
  EXPECT_TRUE(whole.follow_symlink && whole.planned && !whole.range);
  for (const auto check : {ChangeCheck::kContent, ChangeCheck::kTimes, ChangeCheck::kNone}) {
    file.reading.change_check = check;
    read = ReadManifestLine(WithoutNewline(ManifestLine(file)));
    EXPECT_EQ(std::get<std::shared_ptr<const InputFile>>(*read)->reading.change_check, check);
  }

  file.range = std::make_shared<PartsOfPlan>(PartsOfPlan{3, 9, 5 << 20, "token", "upload"});
  read = ReadManifestLine(WithoutNewline(ManifestLine(file)));
  ASSERT_TRUE(read);
  const auto range = std::get<std::shared_ptr<const InputFile>>(*read)->range;
  ASSERT_TRUE(range);
  EXPECT_EQ(std::tie(range->first, range->last, range->part_bytes, range->token, range->upload_id),
            std::tuple(3, 9, std::uint64_t{5 << 20}, "token", "upload"));

  ObjectResult failed;
  failed.file = std::make_shared<InputFile>(AFile());
  failed.error = s3::Error{.kind = s3::ErrorKind::kUnsupported, .message = "a \xff name"};
  read = ReadManifestLine(WithoutNewline(ManifestLine(failed)));
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<ObjectResult>(*read).error->kind, s3::ErrorKind::kUnsupported);
  EXPECT_EQ(std::get<ObjectResult>(*read).outcome, Outcome::kFailed);
}

TEST(ManifestTest, PartsThatTheFileHasNotAreDamage) {
  auto file = AFile();
  for (const auto& [first, last] : {std::pair(0, 1), {2, 1}, {20, 21}}) {
    file.range = std::make_shared<PartsOfPlan>(PartsOfPlan{first, last, 5 << 20, "token", "upload"});
    EXPECT_FALSE(ReadManifestLine(WithoutNewline(ManifestLine(file)))) << first << "-" << last;
  }
  file.range = std::make_shared<PartsOfPlan>(PartsOfPlan{1, 20, 5 << 20, "token", "upload"});
  EXPECT_TRUE(ReadManifestLine(WithoutNewline(ManifestLine(file))));
}

// Sealed anew, so that what reads the fields sees it; a line with a wrong seal is refused before.
TEST(ManifestTest, NoLineMakesItThrow) {
  auto file = AFile();
  std::vector<std::string> seeds = {ManifestLine(file)};
  file.range = std::make_shared<PartsOfPlan>(PartsOfPlan{3, 9, 5 << 20, "token", "upload"});
  seeds.push_back(ManifestLine(file));
  for (auto& seed : seeds) seed.resize(seed.find(",\"crc\""));
  test::Mutator mutator;
  int read = 0;
  for (int i = 0; i < test::Rounds(); ++i) {
    auto text = mutator.Next(seeds);
    text += fmt::format(",\"crc\":\"{:08x}\"}}", s3::Crc32c(text));
    EXPECT_TRUE(IsIntact(text));
    if (const auto input = ReadManifestLine(text)) ++read;
  }
  EXPECT_GT(read, 0);
}

// Each would otherwise cost an open and a close more.
TEST(ManifestTest, FilesOfOneRootHaveItsDirectoryOpen) {
  const test::TempDir directory;
  const auto plan_dir = OwnDir::Open(directory.path()).value();
  ManifestWriter writer(plan_dir, 2);
  for (const auto* name : {"a/1", "a/sub/2", "b/3", "a/4", "gone/5"}) {
    InputFile file;
    if (!std::string_view(name).starts_with("gone")) directory.Write(name, "x");
    file.path = directory / name;
    file.key = name + 2;
    file.relative_at = 0;
    if (std::string_view(name).starts_with("gone")) file.key = "5";
    file.size_bytes = 1;
    ASSERT_TRUE(writer.Add(1, ManifestLine(file)));
  }
  ASSERT_TRUE(writer.Flush());
  std::vector<std::shared_ptr<const s3::UniqueFd>> roots;
  EXPECT_TRUE(FinderOfManifest(plan_dir, 1)([&](Input input) {
    roots.push_back(std::get<std::shared_ptr<const InputFile>>(input)->root);
    return Backpressure::kStarving;
  }));
  ASSERT_EQ(roots.size(), 5u);
  EXPECT_TRUE(roots[0] != nullptr && roots[0] == roots[1]);
  EXPECT_TRUE(roots[2] != nullptr && roots[2] != roots[1] && roots[3] != roots[2]);
  EXPECT_EQ(roots[4], nullptr) << "its files say why they cannot be opened";
}

TEST(ManifestTest, AMissingOrBrokenLineIsNoticedBeforeTheRun) {
  const test::TempDir directory;
  const auto plan_dir = OwnDir::Open(directory.path()).value();
  ManifestWriter writer(plan_dir, 3);
  auto file = AFile();
  for (int i = 0; i < 100; ++i) {
    file.key = fmt::format("key{}", i);
    ASSERT_TRUE(writer.Add(1, ManifestLine(file)));
  }
  ASSERT_TRUE(writer.Flush());
  const auto path = plan_dir.PathOf(ManifestName(1));
  EXPECT_TRUE(CheckManifest(plan_dir, 1, 100));
  EXPECT_TRUE(CheckManifest(plan_dir, 2, 0));
  EXPECT_FALSE(CheckManifest(plan_dir, 3, 0));
  EXPECT_THAT(CheckManifest(plan_dir, 1, 101).error().message, HasSubstr("has 100 inputs instead of 101"));
  int found = 0;
  EXPECT_TRUE(FinderOfManifest(plan_dir, 1)([&](Input) {
    ++found;
    return Backpressure::kStarving;
  }));
  EXPECT_EQ(found, 100);
  EXPECT_FALSE(FinderOfManifest(plan_dir, 1)([&](Input) { return Backpressure::kStop; }));

  auto text = test::ReadAll(path);
  text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
  directory.Write("manifests/00001", text);
  EXPECT_THAT(CheckManifest(plan_dir, 1, 100).error().message, HasSubstr("00001:5"));
  EXPECT_THROW(FinderOfManifest(plan_dir, 1)([](Input) { return Backpressure::kStarving; }),
               std::runtime_error);
}

TEST(JobPlanTest, IsReadAsItWasWritten) {
  const test::TempDir directory;
  JobPlan plan{.id = "id",
               .settings = "a: \"b\"\n",
               .directory = "/home",
               .overrides = {"x.y=1"},
               .created_s = 5,
               .objects = 30};
  plan.shards = {{10, 100, 12}, {20, 300, 20}};
  plan.cut_objects = 1;
  EXPECT_EQ(plan.requests(), 34u);
  EXPECT_DOUBLE_EQ(plan.bytes_imbalance(), 1.5);
  directory.Write("plan.json", PlanJson(plan));
  const auto plan_dir = OwnDir::Open(directory.path()).value();
  const auto read = LoadPlan(plan_dir);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(PlanJson(*read), PlanJson(plan));

  const auto text = PlanJson(plan);
  for (std::size_t at = 0; at < text.size() - 2; ++at) {
    directory.Write("plan.json", text.substr(0, at));
    EXPECT_FALSE(LoadPlan(plan_dir)) << at;
  }
}

}  // namespace
}  // namespace pipeline
