// Runs whole plans in one process, against the embedded endpoint: plan, runs of shards, finish.
#pragma once

#include <string>

#include "pipeline/journal/run_dir.h"
#include "pipeline/plan/finish.h"
#include "pipeline/plan/planner.h"
#include "tests/support/run_fixture.h"

namespace test {

// A file of more than 2,000 bytes is split if there is more than one shard.
class PlanFixture : public RunFixture {
 protected:
  PlanFixture() {
    UseSmallParts();
    StartServer();
  }

  pipeline::PlanOutcome Plan(int shards, pipeline::StopControl* stop = nullptr) {
    auto options = options_;
    options.identity.kind = pipeline::RunKind::kPlan;
    auto outcome = pipeline::MakePlan({plan_path_, shards, "job"}, options, OptionsFor(*server_),
                                      Credentials(), stop != nullptr ? stop : &stop_, nullptr);
    plan_ = outcome.plan;
    return outcome;
  }

  pipeline::RunResult RunShard(int index) {
    auto options = options_;
    const int count = static_cast<int>(plan_.shards.size());
    const auto inputs = plan_.shards[static_cast<std::size_t>(index)].inputs;
    options.shard = pipeline::ShardOptions{{index, count}, plan_path_, plan_.id, inputs};
    options.identity.shard = pipeline::ShardTextOf(index, count, plan_.id);
    options.report.run_dir = pipeline::ShardRunDir(plan_path_, index);
    options.resume.finished_too = true;
    pipeline::StopControl stop;
    return pipeline::Run(options, OptionsFor(*server_), Credentials(), &stop);
  }
  void RunAllShards() {
    for (int index = 0; index < static_cast<int>(plan_.shards.size()); ++index) {
      const auto run = RunShard(index);
      ASSERT_EQ(run.status, pipeline::kExitOk) << run.message;
    }
  }

  pipeline::FinishReport Finish(bool check_source = false) {
    auto options = options_;
    options.identity.kind = pipeline::RunKind::kPlan;
    const auto directory =
        pipeline::RunDirectory::OpenExisting(plan_path_, pipeline::Trust::kOurs, [](const s3::Error&) {});
    EXPECT_TRUE(directory) << directory.error().message;
    pipeline::StopControl stop;
    return pipeline::Finish(plan_, options, OptionsFor(*server_), Credentials(), *directory, check_source,
                            &stop, nullptr);
  }

  pipeline::RunCredentials Credentials() const { return {{server_->credentials(), "the test"}}; }
  pipeline::OwnDir PlanDir() const { return pipeline::OwnDir::Open(plan_path_).value(); }

  const std::string plan_path_ = directory_ / "plan";
  pipeline::JobPlan plan_;
};

}  // namespace test
