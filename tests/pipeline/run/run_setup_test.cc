// What keeps a run from starting, and with which exit status.
#include "pipeline/run/run_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/support/support.h"

namespace pipeline {
namespace run_setup_test {

using testing::HasSubstr;

class RunSetupTest : public testing::Test {
 protected:
  RunSetupTest() {
    directory_.Write("data/file", "content");
    SourceRoot root;
    root.path = directory_ / "data";
    options_.source.push_back(root);
    s3_options_.destination.bucket = "bucket";
    s3_options_.destination.endpoint = "http://127.0.0.1:9";
  }

  // The refusal's message; fails the test unless SetUpRun refuses with `status`.
  std::string RefusalOf(ExitStatus status) {
    const auto setup = SetUpRun(options_, s3_options_);
    if (setup) return "not refused";
    EXPECT_EQ(setup.error().status, status);
    return setup.error().message;
  }

  const test::TempDir directory_;
  Options options_;
  s3::Options s3_options_;
};

TEST_F(RunSetupTest, KeepsOptionsThatFit) {
  options_.upload.concurrency = 5;
  options_.upload.event_loops = 2;
  const auto setup = SetUpRun(options_, s3_options_);
  ASSERT_TRUE(setup) << setup.error().message;
  EXPECT_EQ(setup->slots.most, 5);
  EXPECT_EQ(setup->options.upload.memory_bytes, options_.upload.memory_bytes);
  EXPECT_EQ(EventLoopsOf(setup->options.upload, setup->buckets.front().endpoint), 2);
  EXPECT_EQ(setup->buckets.front().endpoint.HostAndPort(), "127.0.0.1:9");
}

TEST_F(RunSetupTest, AMissingSourceIsStatus66) {
  options_.source[0].path = directory_ / "gone";
  EXPECT_THAT(RefusalOf(kExitNoInput), HasSubstr("gone: No such file"));
}

TEST_F(RunSetupTest, AMissingFileOfMimeTypesIsStatus78) {
  options_.object.mime_types = directory_ / "gone.types";
  EXPECT_THAT(RefusalOf(kExitConfig), HasSubstr("gone.types"));
}

TEST_F(RunSetupTest, TooFewDescriptorsAreStatus71) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit small{16, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
  const auto message = RefusalOf(kExitSystem);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_THAT(message, HasSubstr("ulimit -n"));
}

}  // namespace run_setup_test
}  // namespace pipeline
