#include "pipeline/graph/source_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace pipeline {
namespace source_queue_test {

std::shared_ptr<const InputFile> File(const std::string& key) {
  InputFile file;
  file.path = file.key = key;
  return std::make_shared<const InputFile>(std::move(file));
}

std::shared_ptr<Object> ObjectOf(const std::string& key) {
  return std::make_shared<Object>(File(key), s3::PartPlan{});
}

std::string KeyOf(const SourceQueue::Entry& entry) {
  if (const auto* task = std::get_if<UploadTask>(&entry)) return task->object->file().key;
  if (const auto* restart = std::get_if<SourceQueue::Restart>(&entry)) return restart->before->file().key;
  if (const auto* result = std::get_if<ObjectResult>(&entry)) return result->file->key;
  return std::get<std::shared_ptr<const InputFile>>(entry)->key;
}

TEST(SourceQueueTest, InputsThatWereBegunComeBeforeNewOnes) {
  SourceQueue queue;
  EXPECT_FALSE(queue.HasNext());
  queue.PushNew(File("new 1"));
  queue.PushNew(ObjectResult{.file = File("new 2")});
  EXPECT_EQ(KeyOf(queue.Pop()), "new 1");
  queue.PushBegun(SourceQueue::Restart{ObjectOf("restart")});
  queue.PushBegun(UploadTask{ObjectOf("stream"), 2});
  EXPECT_EQ(KeyOf(queue.Pop()), "restart");
  EXPECT_EQ(KeyOf(queue.Pop()), "stream");
  EXPECT_EQ(KeyOf(queue.Pop()), "new 2");
  EXPECT_FALSE(queue.HasNext());
  EXPECT_EQ(queue.handed_out(), 2u) << "an input that was begun counts once";
}

TEST(SourceQueueTest, IsDrainedOnceTheLastInputHasItsResult) {
  SourceQueue queue;
  queue.PushNew(File("a"));
  queue.PushNew(File("b"));
  queue.Pop();
  queue.Pop();
  EXPECT_FALSE(queue.Exhausted()) << "more may be found";
  queue.Close();
  EXPECT_TRUE(queue.Exhausted());
  EXPECT_FALSE(queue.FinishInput());
  EXPECT_FALSE(queue.Drained()) << "b may have to start over";
  queue.PushBegun(SourceQueue::Restart{ObjectOf("b")});
  EXPECT_EQ(KeyOf(queue.Pop()), "b");
  EXPECT_TRUE(queue.FinishInput());
  EXPECT_TRUE(queue.Drained());
}

TEST(SourceQueueTest, AStopKeepsNewInputsBackButNotThoseThatWereBegun) {
  SourceQueue queue;
  queue.PushNew(File("begun"));
  queue.PushNew(File("new"));
  queue.Close();
  queue.Pop();
  queue.Stop();
  EXPECT_FALSE(queue.HasNext());
  EXPECT_FALSE(queue.Drained());
  queue.PushBegun(SourceQueue::Restart{ObjectOf("begun")});
  EXPECT_TRUE(queue.HasNext());
  EXPECT_EQ(KeyOf(queue.Pop()), "begun");
  EXPECT_TRUE(queue.FinishInput());
  EXPECT_TRUE(queue.Drained());
  EXPECT_FALSE(queue.Exhausted()) << "one input was not handed out";
  EXPECT_EQ(queue.new_inputs(), 1u);
}

}  // namespace source_queue_test
}  // namespace pipeline
