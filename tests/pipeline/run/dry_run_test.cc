// What a dry run counts, and that it sends and writes nothing.
#include "pipeline/run/dry_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/run_fixture.h"

namespace pipeline {
namespace dry_run_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class DryRunTest : public test::RunFixture {
 protected:
  pipeline::DryRun RunDry() {
    StartServer();
    return pipeline::RunDry(options_, test::OptionsFor(*server_), {{server_->credentials(), "the test"}},
                            &stop_);
  }
};

TEST_F(DryRunTest, CountsRequestsAndSendsNone) {
  UseSmallParts();
  directory_.Write("data/small", "four");
  directory_.Write("data/large", std::string(2500, 'x'));
  const auto run = RunDry();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(run.found, 2u);
  EXPECT_EQ(run.uploads, 2u);
  EXPECT_EQ(run.upload_bytes, 2504u);
  EXPECT_THAT(run.requests, ElementsAre(Pair("CompleteMultipartUpload", 1), Pair("CreateMultipartUpload", 1),
                                        Pair("PutObject", 1), Pair("UploadPart", 3)));
  EXPECT_TRUE(server_->stats().requests.empty());
  EXPECT_NE(access(options_.report.run_dir.c_str(), F_OK), 0) << "a run directory was made";
}

TEST_F(DryRunTest, SkipsWhatTheJournalHas) {
  WriteFiles(3);
  ASSERT_EQ(Run().status, kExitOk);
  directory_.Write("data/new", "content");
  options_.resume.finished_too = true;
  const auto run = RunDry();
  EXPECT_EQ(run.uploads, 1u) << run.message;
  EXPECT_THAT(run.skipped, ElementsAre(Pair("done according to this run directory's journal", 3)));
}

TEST_F(DryRunTest, IsRefusedLikeTheRun) {
  options_.source[0].path = directory_ / "gone";
  const auto run = RunDry();
  EXPECT_EQ(run.status, kExitNoInput);
  EXPECT_THAT(run.message, HasSubstr("gone"));
}

TEST(DryRunTextTest, HasCostsOnlyWithPrices) {
  DryRun run;
  run.found = 2000;
  run.uploads = 2000;
  run.upload_bytes = 2ull << 30;
  run.requests = {{"HeadObject", 1000}, {"PutObject", 2000}};
  EXPECT_EQ(DryRunText(run, {}),
            "2000 found: 2000 would be uploaded (2.0 GiB)\n"
            "requests, HeadObject: 1000\n"
            "requests, PutObject: 2000\n");
  const auto text = DryRunText(run, {.put_per_1000 = 5, .get_per_1000 = 1, .gib_month = 0.5});
  EXPECT_THAT(text, HasSubstr("cost of the requests: 11.0000\n"));
  EXPECT_THAT(text, HasSubstr("cost of storing these uploads for a month: 1.0000\n"));
}

}  // namespace dry_run_test
}  // namespace pipeline
