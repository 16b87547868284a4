// The flow graph: three nodes, and the slots that circulate between them.
//
//   Graph graph({.concurrency = 64});
//   graph.Run({.next = [&] { return source.Next(graph.waiter()); },
//              .upload = [&](const UploadTask& task) { return upload(task); },
//              .record = [&](const ObjectResult& result) { sink.Record(result); }});
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "pipeline/graph/idle_slots.h"
#include "pipeline/message.h"
#include "s3/base/slot_time.h"
#include "s3/base/waiter.h"

namespace pipeline {

struct GraphOptions {
  int concurrency = 64;  // the maximum number of slots, and of tasks between source and sink
  int threads = 0;       // the maximum number of workers; 0: one for each core
  // True: the process has oneTBB work of its own (pipeline/node). The graph then has `threads` threads of its
  // own, and takes no worker from that work. It changes no limit of the whole process: neither the number of
  // workers nor the size of stacks.
  bool is_guest = false;
};

// A task that has reached the sink.
struct TaskStats {
  int slots = 1;                                // slots that the task held
  std::uint64_t bytes = 0;                      // bytes of its HTTP body
  std::chrono::steady_clock::duration took{};   // time since the task left the source
  std::chrono::steady_clock::time_point now{};  // when the sink had recorded its result
  const ObjectResult* result = nullptr;         // null: the input has no result yet
};

// The work of the nodes. The graph calls `upload` from many threads at once, and each other callback from one
// thread at a time. A callback must not throw. It may wait only in the graph's waiter. While it waits, it
// must not hold a lock or anything else that is bound to a thread.
struct GraphCallbacks {
  // Returns the next item. Returns nothing if the source is exhausted, also in every later call.
  std::function<std::optional<SourceItem>()> next;
  // Uploads the task's data. Returns the input's result. Returns nothing if the input has no result yet,
  // because its other tasks have not ended, or because it was given back to the source.
  std::function<std::optional<ObjectResult>(const UploadTask&)> upload;
  std::function<void(const ObjectResult&)> record;
  // Returns how many slots an item will hold. Must not return more slots than exist. While an item waits for
  // slots, `weigh` is called again whenever slots return.
  std::function<int(const SourceItem&)> weigh = [](const SourceItem&) { return 1; };
  // Returns how many slots to return to the source instead of the slots that a task held: as many, fewer or
  // more. Called after `record`.
  std::function<int(const TaskStats&)> next_slots = [](const TaskStats& task) { return task.slots; };
  // The number of slots at the start; 0: `concurrency`.
  int first_slots = 0;
};

class Workers;

// Owns the oneTBB workers. Keeps only as many workers awake as there is work for; see
// pipeline/graph/workers/worker_scaler.h.
class Graph {
 public:
  explicit Graph(const GraphOptions& options);
  ~Graph();

  // Returns the waiter for the callback `upload`; the graph owns it. The waiter suspends the task and frees
  // its thread. In the ThreadSanitizer build the waiter blocks the thread, and there is one thread for each
  // slot.
  s3::Waiter* waiter() { return waiter_.get(); }
  // The same for the callback `next`. While it waits, all slots that no task holds count as waiting, too.
  s3::Waiter* source_waiter() { return &source_waiter_; }

  // Returns the time account of the slots. The graph counts each slot from the beginning of Run() on.
  s3::SlotTime* slot_time() { return &slot_time_; }

  // Returns the size of the stacks of suspended tasks, in bytes. A guest has the size that oneTBB uses for
  // the whole process.
  static std::size_t StackBytes(bool is_guest);

  // Runs `task` on a worker, after the tasks that are ready now. `task` must not throw and must not wait.
  // Only callbacks and enqueued tasks may call this, during Run(). Run() returns only after `task` has run.
  void Enqueue(std::function<void()> task);

  // Blocks until `next` is exhausted and every task has reached the sink. Call it once.
  void Run(const GraphCallbacks& callbacks);

 private:
  const GraphOptions options_;
  s3::SlotTime slot_time_;
  IdleSlots idle_{&slot_time_};
  const std::unique_ptr<Workers> workers_;
  const std::unique_ptr<s3::Waiter> waiter_, uncounted_waiter_;
  SourceWaiter source_waiter_{uncounted_waiter_.get(), &idle_};
};

}  // namespace pipeline
