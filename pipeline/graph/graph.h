// The flow graph: three nodes and the slots that circulate between them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "pipeline/message.h"
#include "s3/base/waiter.h"

namespace pipeline {

struct GraphOptions {
  int concurrency = 64;  // the most slots that there can be: no more tasks are between source and sink
  int threads = 0;       // the most workers that there can be; 0 means one for each core
};

// One task on its way back.
struct TaskStats {
  int slots = 1;
  std::uint64_t bytes = 0;
  std::chrono::steady_clock::duration took{};
  const ObjectResult* result = nullptr;  // null when the task ended without ending its input
};

// What the nodes do. Bodies may wait in the graph's waiter, and in nothing else; they must
// not throw. `next` and `record` are called by one thread at a time each, `upload` by many.
struct GraphCallbacks {
  std::function<std::optional<SourceItem>()> next;  // nothing: the source is dry, then and from then on
  // Nothing when the task ended without ending its input.
  std::function<std::optional<ObjectResult>(const UploadTask&)> upload;
  std::function<void(const ObjectResult&)> record;
  // How many slots a task takes; never more than there are. Called with the source's next item until there
  // are enough.
  std::function<int(const SourceItem&)> weigh = [](const SourceItem&) { return 1; };
  // How many go on to the source for those that a task has held: fewer, or more. Called after `record`.
  std::function<int(const TaskStats&)> give_back = [](const TaskStats& task) { return task.slots; };
  // To begin with; 0 means `concurrency`.
  int first_slots = 0;
};

class Workers;

// Of its workers as many are awake as have work; see pipeline/graph/worker_scaler.h.
class Graph {
 public:
  explicit Graph(const GraphOptions& options);
  ~Graph();

  // For the bodies: suspends the task and frees its thread. In the ThreadSanitizer build it blocks the
  // thread, and there is a thread for each slot.
  s3::Waiter* waiter() { return waiter_.get(); }

  // Has a worker run `task`, which must not throw and does not wait, after what is ready to run now. Called
  // by bodies and by such tasks; Run returns only after it.
  void Enqueue(std::function<void()> task);

  // AsyncOnce; returns when every input that `next` yielded has been recorded.
  void Run(const GraphCallbacks& bodies);

 private:
  const GraphOptions options_;
  const std::unique_ptr<Workers> workers_;
  const std::unique_ptr<s3::Waiter> waiter_;
};

}  // namespace pipeline
