// The flow graph: three nodes, and the slots that circulate between them.
//
//   Graph graph({.concurrency = 64});
//   graph.Run({.next = [&] { return source.Next(graph.waiter()); },
//              .upload = [&](const UploadTask& task) { return upload(task); },
//              .record = [&](const ObjectResult& result) { sink.Record(result); }});
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "pipeline/message.h"
#include "s3/base/waiter.h"

namespace pipeline {

struct GraphOptions {
  int concurrency = 64;  // the maximum number of slots, and so of tasks between source and sink
  int threads = 0;       // the maximum number of workers; 0: one for each core
};

// A task that has reached the sink.
struct TaskStats {
  int slots = 1;                               // that it held
  std::uint64_t bytes = 0;                     // of its HTTP body
  std::chrono::steady_clock::duration took{};  // since it left the source
  const ObjectResult* result = nullptr;        // null: other tasks of the same input are still to come
};

// What the nodes do. `next`, `weigh`, `record` and `next_slots` are called by one thread at a time each,
// `upload` by many. None may throw. They wait in the graph's waiter only, and hold no lock and nothing bound
// to a thread while they do.
struct GraphCallbacks {
  // Returns nothing when the source is exhausted, then and from then on.
  std::function<std::optional<SourceItem>()> next;
  // Returns the input's result when this was its last task.
  std::function<std::optional<ObjectResult>(const UploadTask&)> upload;
  std::function<void(const ObjectResult&)> record;
  // Slots that a task holds; at most as many as exist. Called again for the same item whenever slots return,
  // until there are enough.
  std::function<int(const SourceItem&)> weigh = [](const SourceItem&) { return 1; };
  // Slots to return to the source for those that a task held; may be fewer or more. Called after `record`.
  std::function<int(const TaskStats&)> next_slots = [](const TaskStats& task) { return task.slots; };
  // Slots at the start; 0: `concurrency`.
  int first_slots = 0;
};

class Workers;

// Keeps as many workers awake as have work; see pipeline/graph/worker_scaler.h.
class Graph {
 public:
  explicit Graph(const GraphOptions& options);
  ~Graph();

  // For the callbacks: suspends the task and frees its thread. In the ThreadSanitizer build it blocks the
  // thread, and there is a thread for each slot.
  s3::Waiter* waiter() { return waiter_.get(); }

  // Has a worker run `task` after the tasks that are ready now. `task` must not throw and must not wait.
  // Called by callbacks and by such tasks, during Run; Run returns only after it has run.
  void Enqueue(std::function<void()> task);

  // Returns when `next` is exhausted and every task has reached the sink. Called once.
  void Run(const GraphCallbacks& callbacks);

 private:
  const GraphOptions options_;
  const std::unique_ptr<Workers> workers_;
  const std::unique_ptr<s3::Waiter> waiter_;
};

}  // namespace pipeline
