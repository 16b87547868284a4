#include "pipeline/journal/open_uploads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pipeline {
namespace open_uploads_test {

const InputFile kFile{"/p", "k", 5};

UploadRecord RecordOf(const std::string& token, bool created_once = true) {
  return {token, "/p", "k", "id-" + token, 5, 2, 7, created_once};
}

TEST(OpenUploadsTest, GivesAnUploadWithItsPartsToOneCaller) {
  OpenUploads uploads;
  EXPECT_FALSE(uploads.any());
  EXPECT_FALSE(uploads.Take(kFile));
  uploads.Apply(RecordOf("t"), false);
  uploads.Apply(PartRecord{"t", 2, 2, "e2"});
  uploads.Apply(PartRecord{"t", 1, 2, "old"});
  uploads.Apply(PartRecord{"t", 1, 2, "e1"});
  EXPECT_TRUE(uploads.any());
  EXPECT_FALSE(uploads.Take({"/other", "k", 5}));
  const auto taken = uploads.Take(kFile);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->record.upload_id, "id-t");
  EXPECT_EQ(taken->parts.size(), 2u);
  EXPECT_EQ(taken->parts.at(1).etag, "e1") << "the last record of a part counts";
  EXPECT_FALSE(taken->completing || taken->outdated);
  EXPECT_FALSE(uploads.Take(kFile));
  EXPECT_TRUE(uploads.TakeAll().empty());
}

TEST(OpenUploadsTest, AnUploadIsOpenUntilItIsGoneOrItsInputIsUploaded) {
  OpenUploads uploads;
  uploads.Apply(RecordOf("t"), true);
  uploads.Apply(CompletingRecord{"t"});
  uploads.Apply(CompletingRecord{"unknown"});
  EXPECT_TRUE(uploads.any());
  uploads.Apply(GoneRecord{"t"});
  uploads.Apply(GoneRecord{"unknown"});
  EXPECT_FALSE(uploads.any());
  uploads.Apply(RecordOf("u"), false);
  uploads.ApplyUploaded(InputIdOf("/other", "k"));
  EXPECT_TRUE(uploads.any());
  uploads.ApplyUploaded(InputIdOf(kFile));
  EXPECT_FALSE(uploads.any());
  EXPECT_TRUE(uploads.TakeAll().empty());
}

TEST(OpenUploadsTest, KeepsTheStateOfTheUpload) {
  OpenUploads uploads;
  uploads.Apply(RecordOf("t"), true);
  uploads.Apply(CompletingRecord{"t"});
  const auto all = uploads.TakeAll();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_TRUE(all[0].completing && all[0].outdated);
}

TEST(OpenUploadsTest, GivesTheNewerUploadOfAnInputAndKeepsTheOlderForCleaning) {
  OpenUploads uploads;
  uploads.Apply(RecordOf("a"), false);
  uploads.Apply(RecordOf("b"), false);
  EXPECT_EQ(uploads.Take(kFile)->record.token, "b");
  const auto rest = uploads.TakeAll();
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].record.token, "a");
}

TEST(OpenUploadsTest, TellsThePartSizeOnlyForTheSameFileSize) {
  OpenUploads uploads;
  EXPECT_FALSE(uploads.PartBytes(kFile));
  uploads.Apply(RecordOf("t"), false);
  EXPECT_EQ(uploads.PartBytes(kFile), 2u);
  EXPECT_FALSE(uploads.PartBytes({"/p", "k", 6}));
  auto stream = RecordOf("t");
  stream.part_bytes = 0;
  uploads.Apply(stream, false);
  EXPECT_FALSE(uploads.PartBytes(kFile));
}

TEST(OpenUploadsTest, KeepsCreationsThatMayHaveMadeAnUnknownUpload) {
  OpenUploads uploads;
  for (const auto* token : {"once", "twice", "lost", "gone"}) uploads.Apply(CreatingRecord{token, "k", 1});
  uploads.Apply(RecordOf("once", true), false);
  uploads.Apply(RecordOf("twice", false), false);
  uploads.Apply(GoneRecord{"gone"});
  std::vector<std::string> tokens;
  for (const auto& creation : uploads.creations()) tokens.push_back(creation.token);
  EXPECT_THAT(tokens, testing::UnorderedElementsAre("twice", "lost"));
}

TEST(OpenUploadsTest, KeepsPartsOfUploadsOfAPlan) {
  OpenUploads uploads;
  uploads.Apply(PartRecord{"of-plan", 4, 2, "e"});
  EXPECT_FALSE(uploads.any());
  EXPECT_EQ(uploads.PartsOfPlan("of-plan")->at(4).etag, "e");
  EXPECT_EQ(uploads.PartsOfPlan("other"), nullptr);
}

}  // namespace open_uploads_test
}  // namespace pipeline
