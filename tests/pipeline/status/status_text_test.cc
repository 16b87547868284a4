#include "pipeline/status/status_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace pipeline {
namespace status_text_test {

using testing::HasSubstr;
using testing::Not;

const LiveStatus kHalf{.state = RunState::kRunning,
                       .host = "node17",
                       .process = 123,
                       .found = 100,
                       .uploaded = 50,
                       .failed = 1,
                       .all_found = true,
                       .bytes_found = 100 << 20,
                       .bytes_done = 50 << 20,
                       .retries = 1,
                       .in_flight = 16,
                       .concurrency = 32,
                       .bytes_per_s = 1 << 20,
                       .inputs_per_s = 10,
                       .seconds_left = 50};

RunView Active(LiveStatus status = kHalf) {
  return {.phase = RunPhase::kActive, .status = status, .age_s = 1, .is_locked = true};
}

StatusReport Report(std::vector<RunView> runs, bool has_shards) {
  StatusReport report{.directory = "/scratch/run", .has_shards = has_shards, .runs = std::move(runs)};
  report.total = report.runs.front().status.value_or(LiveStatus{});
  return report;
}

TEST(StatusTextTest, OfOneRun) {
  EXPECT_EQ(StatusText(Report({Active()}, false), {}),
            "running on node17 (process 123), seen 1 s ago\n"
            "50.0 % done, 50.0 MiB of 100.0 MiB\n"
            "1.0 MiB/s, time left 50 s\n"
            "51 of 100 inputs: 50 uploaded, 0 skipped, 1 failed\n"
            "16 requests in flight of at most 32, 1 retry, 0 throttled\n");
}

TEST(StatusTextTest, BeforeTheFirstInput) {
  EXPECT_THAT(StatusText(Report({Active({.host = "node17"})}, false), {}),
              HasSubstr("no inputs found yet\n"));
}

TEST(StatusTextTest, WhileTheWalkGoesOnTotalsAndTimeAreMinima) {
  auto walking = kHalf;
  walking.all_found = false;
  const auto text = StatusText(Report({Active(walking)}, false), {});
  EXPECT_THAT(text, HasSubstr("50.0 MiB of 100.0 MiB+\n"));
  EXPECT_THAT(text, HasSubstr("time left at least 50 s\n"));
  EXPECT_THAT(text, HasSubstr("51 of 100+ inputs"));
}

TEST(StatusTextTest, SaysWhatToDoAboutARunThatDoesNotRun) {
  RunView lost{.phase = RunPhase::kLost, .status = kHalf, .age_s = 120};
  EXPECT_THAT(StatusText(Report({lost}, false), {}),
              HasSubstr("lost on node17 (process 123), seen 2 min 00 s ago"));
  EXPECT_THAT(StatusText(Report({lost}, false), {}),
              HasSubstr("to resume: s3flow run JOB.yaml --run-dir /scratch/run\n"));
  lost.is_locked = true;
  EXPECT_THAT(StatusText(Report({lost}, false), {}), HasSubstr("the process hangs"));
  auto waiting = kHalf;
  waiting.state = RunState::kWaiting;
  waiting.waiting_for = "the store does not answer: \x1b[2J";
  const auto text = StatusText(Report({Active(waiting)}, false), {});
  EXPECT_THAT(text, HasSubstr("waiting: the store does not answer: \\x1b[2J\n"));
  auto limited = kHalf;
  limited.waiting_for = "store";
  EXPECT_THAT(StatusText(Report({Active(limited)}, false), {}), HasSubstr("limited by: store\n"));
}

TEST(StatusTextTest, TheCommandToResumeNamesTheShard) {
  const auto text_of = [](const std::string& directory, const std::string& shard) {
    auto status = kHalf;
    status.shard = shard;
    auto report = Report({{.phase = RunPhase::kLost, .status = status}}, false);
    report.directory = directory;
    return StatusText(report, {});
  };
  EXPECT_THAT(text_of("plan/shards/00003", "3/8 of plan abc"),
              HasSubstr("s3flow run --plan plan --shard 3/8\n"));
  EXPECT_THAT(text_of("run/shards/00003", "3/8"),
              HasSubstr("s3flow run JOB.yaml --run-dir run --shard 3/8\n"));
}

TEST(StatusTextTest, OfShards) {
  const RunView lost{.phase = RunPhase::kLost, .status = kHalf, .age_s = 120};
  const auto text = StatusText(Report({Active(), lost, RunView{}}, true), {});
  EXPECT_THAT(text, HasSubstr("3 shards: 1 running, 1 lost, 1 not run\n"));
  EXPECT_THAT(text,
              HasSubstr("shard      state    done         left  failed         rate        seen node\n"
                        "    0    running  50.0 %         50 s       1    1.0 MiB/s         1 s node17\n"
                        "    1       lost  50.0 %            -       1            -  2 min 00 s node17\n"
                        "    2    not run       -            -       -            -           - -\n"
                        "to run again: sbatch --array=1-2 SCRIPT /scratch/run\n"));
}

TEST(StatusTextTest, FitsTheScreen) {
  std::vector<RunView> runs(100, Active());
  runs[70] = {.phase = RunPhase::kLost, .status = kHalf};
  const auto report = Report(runs, true);
  for (const int columns : {40, 60, 80, 120}) {
    std::istringstream lines(StatusText(report, {.columns = columns, .rows = 5}));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      // The terminal wraps the counts and the command.
      const bool is_wrapped =
          line.find("inputs") != std::string::npos || line.find("sbatch") != std::string::npos;
      EXPECT_TRUE(is_wrapped || line.size() <= static_cast<std::size_t>(columns)) << line;
    }
    EXPECT_LE(count, 5 + 12);
  }
  const auto text = StatusText(report, {.columns = 80, .rows = 5});
  EXPECT_THAT(text, HasSubstr("\n   70       lost"));
  EXPECT_THAT(text, HasSubstr("and 95 shards not shown\n"));
  EXPECT_THAT(StatusText(report, {.columns = 40}), Not(HasSubstr("node17")));
}

TEST(StatusTextTest, NamesShardsThatHangAndFinish) {
  RunView hanging{.phase = RunPhase::kLost, .status = kHalf, .is_locked = true};
  EXPECT_THAT(StatusText(Report({hanging}, true), {}), HasSubstr("shards that hang: 0 (end their processes"));
  auto report = Report(
      {{.phase = RunPhase::kEnded, .status = FinalStatus({}, {.source_exhausted = true}, kExitOk)}}, true);
  report.split_objects = 1;
  EXPECT_THAT(StatusText(report, {}),
              HasSubstr("to complete the shared objects: s3flow finish /scratch/run\n"));
}

}  // namespace status_text_test
}  // namespace pipeline
