#include "pipeline/graph/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <new>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/support.h"

namespace pipeline {
namespace source_test {

// Yields `count` inputs of `size_bytes` each, from one thread.
Finder Files(int count, std::uint64_t size_bytes = 0) {
  return [=](const Yield& yield) {
    for (int i = 0; i < count; ++i) {
      InputFile file;
      file.path = "/nowhere/" + std::to_string(i);
      file.key = std::to_string(i);
      file.size_bytes = size_bytes;
      if (yield(std::make_shared<const InputFile>(std::move(file))) == Backpressure::kStop) return false;
    }
    return true;
  };
}

class SourceTest : public testing::Test {
 protected:
  std::unique_ptr<Source> Make(Finder find, std::vector<std::shared_ptr<Object>> streams = {}) {
    return std::make_unique<Source>(std::move(find), std::move(streams), options_, stop_.get_token(),
                                    &history_, &progress_);
  }
  UploadTask NextTask(Source* source) {
    auto item = source->Next(&waiter_);
    if (!item) return ADD_FAILURE() << "the source is exhausted", UploadTask{};
    return std::get<UploadTask>(*item);
  }

  UploadOptions options_;
  std::stop_source stop_;
  History history_;
  Progress progress_;
  s3::BlockingWaiter waiter_;
};

TEST_F(SourceTest, HandsOutEveryInputOnceAndThenNothing) {
  const auto source = Make(Files(3000));
  std::set<std::string> keys;
  while (auto item = source->Next(&waiter_)) {
    keys.insert(std::get<UploadTask>(*item).object->file().key);
    source->InputDone();
  }
  EXPECT_EQ(keys.size(), 3000u);
  EXPECT_TRUE(source->exhausted());
  EXPECT_EQ(source->found(), 3000u);
  EXPECT_EQ(progress_.found, 3000u);
  EXPECT_TRUE(progress_.all_found);
  EXPECT_FALSE(source->Next(&waiter_));
}

TEST_F(SourceTest, TheTasksOfAFileComeOneAfterTheOther) {
  options_.plan.part_bytes = options_.plan.multipart_threshold_bytes = 8 << 20;
  const auto source = Make(Files(2, 20 << 20));
  for (int file = 0; file < 2; ++file) {
    for (int part = 1; part <= 3; ++part) {
      const auto task = NextTask(source.get());
      EXPECT_EQ(task.object->file().key, std::to_string(file));
      EXPECT_EQ(task.number, part);
    }
  }
  EXPECT_EQ(source->found(), 2u);
  source->InputDone();
  source->InputDone();
  EXPECT_FALSE(source->Next(&waiter_));
}

TEST_F(SourceTest, AnInputThatCannotBePlannedIsAResult) {
  options_.memory_bytes = 1 << 20;
  const auto source = Make(Files(1, std::uint64_t{1} << 62));
  const auto item = source->Next(&waiter_);
  ASSERT_TRUE(item);
  const auto& result = std::get<ObjectResult>(*item);
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_TRUE(result.error);
  source->InputDone();
  EXPECT_FALSE(source->Next(&waiter_));
}

TEST_F(SourceTest, ARequeuedObjectStartsOverWithItsCounts) {
  test::TempDir directory;
  InputFile file;
  file.path = directory.Write("f", "longer by now");
  file.key = "f";
  file.size_bytes = 1;
  const auto source = Make([&](const Yield& yield) {
    return yield(std::make_shared<const InputFile>(file)) != Backpressure::kStop;
  });
  const auto task = NextTask(source.get());
  task.object->restarts = 2;
  source->Requeue(*task.object);
  const auto restarted = NextTask(source.get());
  EXPECT_NE(restarted.object, task.object);
  EXPECT_EQ(restarted.object->file().size_bytes, 13u);
  EXPECT_EQ(restarted.object->restarts, 2);
  EXPECT_EQ(source->found(), 1u);
  source->InputDone();
  EXPECT_FALSE(source->Next(&waiter_));
  EXPECT_TRUE(source->exhausted());
}

TEST_F(SourceTest, StreamsComeFirstAndTheirPartsWhenTheyAreReady) {
  InputFile file;
  file.path = file.key = "stream";
  file.is_stream = true;
  const auto stream =
      std::make_shared<Object>(std::make_shared<const InputFile>(file), std::shared_ptr<Stream>());
  const auto source = Make(Files(1), {stream});
  EXPECT_EQ(NextTask(source.get()).object, stream);
  EXPECT_FALSE(source->exhausted());
  source->StreamReady(stream, 2);
  const auto second = NextTask(source.get());
  EXPECT_EQ(second.object, stream);
  EXPECT_EQ(second.number, 2);
  EXPECT_EQ(NextTask(source.get()).object->file().key, "0");
  EXPECT_EQ(source->found(), 2u);
  EXPECT_EQ(progress_.found, 2u);
}

TEST_F(SourceTest, TheWalkStaysWithinTheLookAhead) {
  std::atomic<std::size_t> taken = 0;
  std::atomic<bool> all_found = false;
  const auto source = Make([&](const Yield& yield) {
    const auto found = Files(3 * Source::kLookAhead)([&](Input input) {
      const auto pressure = yield(std::move(input));
      ++taken;
      return pressure;
    });
    all_found = true;
    return found;
  });
  while (taken < Source::kLookAhead) std::this_thread::yield();
  std::size_t handed_out = 0;
  while (source->Next(&waiter_)) {
    EXPECT_LE(progress_.found, ++handed_out + Source::kLookAhead);
    source->InputDone();
  }
  EXPECT_TRUE(all_found);
  EXPECT_EQ(handed_out, 3 * Source::kLookAhead);
}

TEST_F(SourceTest, AStopLeavesTheRestOut) {
  const auto source = Make(Files(3000));
  EXPECT_TRUE(source->Next(&waiter_));
  stop_.request_stop();
  std::thread finisher([&] { source->InputDone(); });
  EXPECT_FALSE(source->Next(&waiter_)) << "after the open input has its result";
  finisher.join();
  EXPECT_FALSE(source->exhausted());
  EXPECT_EQ(source->found(), 1u);
}

TEST_F(SourceTest, AWalkThatFailsEndsTheSourceWithoutExhaustingIt) {
  const auto source = Make([](const Yield&) -> bool { throw std::bad_alloc(); });
  EXPECT_FALSE(source->Next(&waiter_));
  EXPECT_FALSE(source->exhausted());
}

}  // namespace source_test
}  // namespace pipeline
