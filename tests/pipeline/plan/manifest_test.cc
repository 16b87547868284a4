#include "pipeline/plan/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/journal/checksummed_line.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/plan/manifest_writer.h"
#include "s3/hash/checksum.h"
#include "tests/support/mutator.h"

namespace pipeline {
namespace manifest_test {

using testing::HasSubstr;

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

TEST(ManifestTest, LinesReadBackAsTheyWereWritten) {
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

TEST(ManifestTest, RefusesPartsThatTheFileDoesNotHave) {
  auto file = AFile();
  for (const auto& [first, last] : {std::pair(0, 1), {2, 1}, {20, 21}}) {
    file.range = std::make_shared<PartsOfPlan>(PartsOfPlan{first, last, 5 << 20, "token", "upload"});
    EXPECT_FALSE(ReadManifestLine(WithoutNewline(ManifestLine(file)))) << first << "-" << last;
  }
  file.range = std::make_shared<PartsOfPlan>(PartsOfPlan{1, 20, 5 << 20, "token", "upload"});
  EXPECT_TRUE(ReadManifestLine(WithoutNewline(ManifestLine(file))));
}

// Each line gets a right checksum, so that its fields are parsed.
TEST(ManifestTest, NeverThrowsWhateverTheBytes) {
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

// Otherwise each file would cost one more open and close.
TEST(ManifestTest, FilesOfOneRootShareItsOpenDirectory) {
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
  EXPECT_EQ(roots[4], nullptr) << "opening the file reports why";
}

TEST(ManifestTest, CheckFindsMissingAndDamagedLines) {
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

}  // namespace manifest_test
}  // namespace pipeline
