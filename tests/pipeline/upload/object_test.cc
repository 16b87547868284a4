#include "pipeline/upload/object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <thread>

#include "s3/base/waiter.h"

namespace pipeline {
namespace object_test {

using enum ObjectState;

std::shared_ptr<InputFile> File(std::uint64_t size_bytes = 10) {
  auto file = std::make_shared<InputFile>();
  file->path = file->key = "f";
  file->size_bytes = size_bytes;
  return file;
}

// Brings a new object into a state.
void Bring(Object* object, ObjectState state) {
  s3::BlockingWaiter waiter;
  if (state == kNew) return;
  ASSERT_TRUE(object->BeginOpening(&waiter));
  if (state == kSkipped) object->Skip("there");
  if (state == kStored) object->Store({});
  if (state != kOpening) object->EndOpening();
  ASSERT_EQ(object->state(), state);
}

TEST(ObjectStateTest, OnlyTheDrawnTransitionsAreAllowed) {
  const std::array all{kNew, kOpening, kSending, kSkipped, kStored};
  for (const auto from : all) {
    Object skipped(File(), s3::PartPlan{}), stored(File(), s3::PartPlan{});
    Bring(&skipped, from);
    Bring(&stored, from);
    if (from == kOpening) {
      skipped.Skip("there");
      EXPECT_EQ(skipped.state(), kSkipped);
      EXPECT_EQ(skipped.skip_reason(), "there");
    } else {
      EXPECT_THROW(skipped.Skip("there"), std::logic_error) << StateName(from);
      EXPECT_EQ(skipped.state(), from);
    }
    if (from == kOpening || from == kSending) {
      stored.Store({.bytes = 7});
      EXPECT_EQ(stored.state(), kStored);
      EXPECT_EQ(stored.stored().bytes, 7u);
    } else {
      EXPECT_THROW(stored.Store({}), std::logic_error) << StateName(from);
    }
  }
}

TEST(ObjectStateTest, AnObjectThatFailsWhileItIsOpenedIsNotSent) {
  s3::BlockingWaiter waiter;
  Object object(File(), s3::PartPlan{});
  ASSERT_TRUE(object.BeginOpening(&waiter));
  object.Fail({.kind = s3::ErrorKind::kLocal, .message = "no disk"});
  object.EndOpening();
  EXPECT_EQ(object.state(), kOpening);
  EXPECT_THROW((void)object.stored(), std::bad_optional_access);
}

TEST(ObjectTest, OneTaskOpensAndTheOthersSeeWhatItDid) {
  Object object(File(40), s3::PlanOfParts(40, 10));
  std::atomic<int> openers = 0, sending = 0;
  std::vector<std::thread> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.emplace_back([&] {
      s3::BlockingWaiter waiter;
      if (object.BeginOpening(&waiter)) {
        ++openers;
        object.properties.Set("content-type", "text/plain");
        object.EndOpening();
      }
      if (object.state() == kSending && object.properties.Find("content-type") != nullptr) ++sending;
    });
  }
  for (auto& task : tasks) task.join();
  EXPECT_EQ(openers, 1);
  EXPECT_EQ(sending, 4);
}

TEST(ObjectTest, TheFirstErrorIsKept) {
  Object object(File(), s3::PartPlan{});
  EXPECT_FALSE(object.failed());
  object.Fail({.kind = s3::ErrorKind::kChanged, .message = "first"});
  object.Fail({.kind = s3::ErrorKind::kLocal, .message = "second"});
  EXPECT_TRUE(object.failed());
  EXPECT_EQ(object.error()->message, "first");
}

TEST(ObjectTest, OnlyTheLastTaskGetsTheObject) {
  Object object(File(30), s3::PlanOfParts(30, 10));
  EXPECT_FALSE(object.EndTask());
  EXPECT_FALSE(object.EndTask());
  EXPECT_TRUE(object.EndTask());

  Object stream(File(0), std::shared_ptr<Stream>());
  stream.AddTask();
  EXPECT_FALSE(stream.EndTask());
  EXPECT_TRUE(stream.EndTask());
}

TEST(ObjectTest, PartsAreInOrderWhateverTheirTasksDid) {
  Object object(File(25), s3::PlanOfParts(25, 10));
  object.AddPart({3, 5, "c", ""}, "digest 3", true);
  object.AddPart({1, 10, "a", ""}, "digest 1", false);
  object.AddPart({2, 10, "b", ""}, "digest 2", true);
  std::string etags;
  for (const auto& part : object.parts()) etags += part.etag;
  EXPECT_EQ(etags, "abc");
  EXPECT_EQ(object.bytes(), 25u);
  EXPECT_EQ(object.reused_parts(), 2);
  EXPECT_EQ(object.digest_of(2), "digest 2");
}

TEST(ObjectTest, PartsOfAPlannedRangeKeepTheirNumbers) {
  auto file = File(100);
  file->range = std::make_shared<PartsOfPlan>(PartsOfPlan{.first = 4, .last = 6, .part_bytes = 10});
  Object object(file, s3::PlanOfParts(100, 10));
  EXPECT_EQ(object.first_task(), 4);
  EXPECT_EQ(object.last_task(), 6);
  EXPECT_EQ(object.parts().size(), 3u);
  object.AddPart({6, 10, "f", ""}, "digest 6", false);
  EXPECT_EQ(object.digest_of(6), "digest 6");
}

// One request counts in full, every other one with its retries.
TEST(ObjectTest, AttemptsAreThoseOfOneRequestAndAllRetries) {
  Object object(File(30), s3::PlanOfParts(30, 10));
  object.earlier_attempts = 2;
  object.CountAttempts(0);
  EXPECT_EQ(object.attempts(), 2);
  for (const int attempts : {1, 3, 1}) object.CountAttempts(attempts);
  EXPECT_EQ(object.attempts(), 2 + 1 + 2);
}

TEST(ObjectTest, BodyBytesAreThoseOfTheTasksPart) {
  const auto object = std::make_shared<Object>(File(25), s3::PlanOfParts(25, 10));
  EXPECT_EQ(BodyBytes({object, 1}), 10u);
  EXPECT_EQ(BodyBytes({object, 3}), 5u);
}

TEST(RunGuardedTest, ExceptionsBecomeTheObjectsError) {
  const std::pair<std::function<void()>, const char*> cases[] = {
      {[] { throw std::bad_alloc(); }, "out of memory"},
      {[] { throw std::runtime_error("no luck"); }, "no luck"}};
  for (const auto& [work, message] : cases) {
    Object object(File(), s3::PartPlan{});
    RunGuarded(&object, work);
    ASSERT_TRUE(object.failed());
    EXPECT_EQ(object.error()->kind, s3::ErrorKind::kLocal);
    EXPECT_EQ(object.error()->message, message);
  }
  Object object(File(), s3::PartPlan{});
  RunGuarded(&object, [] {});
  EXPECT_FALSE(object.failed());
}

}  // namespace object_test
}  // namespace pipeline
