// The task that has been in flight for the longest time.
#include "pipeline/upload/tasks_in_flight.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace pipeline {
namespace tasks_in_flight_test {

using Clock = TasksInFlight::Clock;

UploadTask Whole(const std::string& path) {
  return {std::make_shared<Object>(std::make_shared<InputFile>(InputFile{.path = path, .key = path}),
                                   s3::PartPlan{})};
}

UploadTask Part(const std::string& path, int number) {
  const s3::PartPlan plan{.size_bytes = 100, .part_bytes = 10, .parts = 10};
  return {std::make_shared<Object>(std::make_shared<InputFile>(InputFile{.path = path, .key = path}), plan),
          number};
}

TEST(TasksInFlightTest, TheOldestIsTheSlowest) {
  TasksInFlight tasks;
  EXPECT_FALSE(tasks.Slowest(Clock::now()));
  const auto first = Whole("a"), second = Part("b", 3);
  const auto before = Clock::now();
  std::optional<TasksInFlight::Entry> oldest(std::in_place, &tasks, first);
  const TasksInFlight::Entry next(&tasks, second);
  const auto slowest = tasks.Slowest(before + std::chrono::hours(1));
  EXPECT_EQ(slowest.value().path, "a");
  EXPECT_EQ(slowest->part, 0);
  EXPECT_GT(slowest->seconds, 0);
  EXPECT_LE(slowest->seconds, 3600);
  oldest.reset();
  EXPECT_EQ(tasks.Slowest(Clock::now()).value().path, "b");
  EXPECT_EQ(tasks.Slowest(Clock::now()).value().part, 3);
}

}  // namespace tasks_in_flight_test
}  // namespace pipeline
