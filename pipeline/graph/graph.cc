#include "pipeline/graph/graph.h"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task.h>
#include <oneapi/tbb/task_arena.h>

#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include "pipeline/graph/workers/workers.h"
#include "pipeline/runtime/guest_threads.h"
#include "pipeline/runtime/threads.h"
#include "pipeline/upload/object.h"
#include "s3/base/slot_time.h"

namespace pipeline {
namespace {

namespace flow = tbb::flow;

using s3::SlotState;
using Clock = std::chrono::steady_clock;

// Slots that return to the source.
struct SlotCount {
  int count = 1;
};

// The source makes one RunningTask for each item.
struct RunningTask {
  SourceItem item;  // a task to run, or the result of an input that needs no upload
  int slots = 1;    // slots that `item` holds until it has reached the sink
  Clock::time_point began{};
};

struct CompletedTask {
  std::shared_ptr<const ObjectResult> result;  // null: the input has no result yet
  int slots = 1;
  std::uint64_t bytes = 0;
  Clock::time_point began{};
};

// Counts a task as running while this object exists. SuspendingWaiter excludes the time in which the task
// waits.
class RunningScope {
 public:
  explicit RunningScope(Workers* workers) : workers_(workers) {
    if (workers_->adapts()) workers_->Enter(Clock::now());
  }
  ~RunningScope() {
    if (workers_->adapts()) workers_->Leave(Clock::now());
  }
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;

 private:
  Workers* const workers_;
};

// The same for a task of the upload node, and counts the time of its slot.
class UploadScope {
 public:
  UploadScope(Workers* workers, s3::SlotTime* slot_time) : workers_(workers), slot_time_(slot_time) {
    const auto now = Clock::now();
    workers_->Enter(now);
    slot_time_->Move(s3::SlotState::kWorkerQueue, s3::SlotState::kCpu, now);
  }
  ~UploadScope() {
    const auto now = Clock::now();
    workers_->Leave(now);
    slot_time_->Move(s3::SlotState::kCpu, s3::SlotState::kJournal, now);
  }
  UploadScope(const UploadScope&) = delete;
  UploadScope& operator=(const UploadScope&) = delete;

 private:
  Workers* const workers_;
  s3::SlotTime* const slot_time_;
};

class SuspendingWaiter final : public s3::Waiter {
 public:
  // `slot_time` may be null.
  SuspendingWaiter(Workers* workers, s3::SlotTime* slot_time) : workers_(workers), slot_time_(slot_time) {}

  void Wait(s3::SlotState reason, const std::function<void(s3::Wake)>& start) override {
    Suspended suspended{{slot_time_}};
    const auto now = Clock::now();
    workers_->Leave(now);
    suspended.clock.Enter(reason, now);
    tbb::task::suspend([&](tbb::task::suspend_point point) {
      suspended.point = point;
      start({&Resume, &suspended, &suspended.clock});
    });
    const auto resumed = Clock::now();
    workers_->Enter(resumed);
    suspended.clock.Enter(s3::SlotState::kCpu, resumed);
  }

 private:
  struct Suspended {  // on the task's stack
    s3::SlotClock clock;
    tbb::task::suspend_point point = nullptr;
  };

  // From now on, the task waits for a free worker.
  static void Resume(void* argument) {
    auto* const suspended = static_cast<Suspended*>(argument);
    constexpr auto kReady = s3::SlotState::kWorkerQueue;
    if (suspended->clock.state != kReady) suspended->clock.Enter(kReady, Clock::now());
    tbb::task::resume(suspended->point);
  }

  Workers* const workers_;
  s3::SlotTime* const slot_time_;
};

std::unique_ptr<s3::Waiter> MakeWaiter(Workers* workers, s3::SlotTime* slot_time) {
  if (kBlocking) return std::make_unique<s3::BlockingWaiter>(slot_time);
  return std::make_unique<SuspendingWaiter>(workers, slot_time);
}

// Holds the slots that are in the source, and the next item while it waits until there are enough of these
// slots.
class SlotHolder {
 public:
  SlotHolder(const GraphCallbacks& callbacks, s3::SlotTime* slot_time, IdleSlots* idle)
      : callbacks_(callbacks), slot_time_(slot_time), idle_(idle) {}

  // Adds `slots`, and emits tasks while there are enough slots. An exhausted source keeps all slots that
  // return, so the graph runs out of work and ends.
  template <typename Emit>
  void Take(SlotCount slots, const Emit& emit) {
    held_ += slots.count;
    idle_->SetState(SlotState::kSource);
    while (held_ > 0) {
      if (!next_) next_ = callbacks_.next();
      if (!next_) return idle_->SetState(SlotState::kFinished);
      const int weight = callbacks_.weigh(*next_);
      if (weight > held_) return idle_->SetState(SlotState::kLargeBody);
      held_ -= weight;
      const auto now = Clock::now();
      CountEmitted(weight, now);
      RunningTask task{std::move(*next_), weight, now};
      next_.reset();
      emit(&task);
    }
  }

 private:
  void CountEmitted(int weight, Clock::time_point now) {
    const bool has_result = std::holds_alternative<ObjectResult>(*next_);
    idle_->Remove(weight, now);
    slot_time_->Enter(has_result ? SlotState::kJournal : SlotState::kWorkerQueue, 1, now);
    if (weight > 1) slot_time_->Enter(SlotState::kLargeBody, weight - 1, now);
  }

  const GraphCallbacks& callbacks_;
  s3::SlotTime* const slot_time_;
  IdleSlots* const idle_;
  std::optional<SourceItem> next_;
  int held_ = 0;
};

using SourceNode = flow::multifunction_node<SlotCount, std::tuple<RunningTask, CompletedTask>>;
using UploadNode = flow::function_node<RunningTask, CompletedTask>;
using SinkNode = flow::multifunction_node<CompletedTask, std::tuple<SlotCount>>;

// Sends a task to the upload node, and a result, which needs no upload, directly to the sink.
void Emit(RunningTask* task, SourceNode::output_ports_type* ports) {
  auto* const result = std::get_if<ObjectResult>(&task->item);
  if (result == nullptr) {
    std::get<0>(*ports).try_put(*task);
    return;
  }
  auto shared = std::make_shared<const ObjectResult>(std::move(*result));
  std::get<1>(*ports).try_put(CompletedTask{std::move(shared), task->slots, 0, task->began});
}

CompletedTask Upload(const RunningTask& running, const GraphCallbacks& callbacks) {
  const auto& task = std::get<UploadTask>(running.item);
  auto result = callbacks.upload(task);
  auto shared = result ? std::make_shared<const ObjectResult>(std::move(*result)) : nullptr;
  return {std::move(shared), running.slots, BodyBytes(task), running.began};
}

// Records the result, if the task has one. Returns the slots for the source.
SlotCount Record(const CompletedTask& task, const GraphCallbacks& callbacks, s3::SlotTime* slot_time,
                 IdleSlots* idle) {
  if (task.result) callbacks.record(*task.result);
  const auto now = Clock::now();
  const int slots = callbacks.next_slots({task.slots, task.bytes, now - task.began, now, task.result.get()});
  slot_time->Leave(SlotState::kJournal, 1, now);
  if (task.slots > 1) slot_time->Leave(SlotState::kLargeBody, task.slots - 1, now);
  idle->Add(slots, now);
  return {slots};
}

}  // namespace

Graph::Graph(const GraphOptions& options)
    : options_(options),
      workers_(std::make_unique<Workers>(options)),
      waiter_(MakeWaiter(workers_.get(), &slot_time_)),
      uncounted_waiter_(MakeWaiter(workers_.get(), nullptr)) {}

Graph::~Graph() = default;

std::size_t Graph::StackBytes(bool is_guest) {
  if (!is_guest) return kSlotStackBytes;
  return tbb::global_control::active_value(tbb::global_control::thread_stack_size);
}

void Graph::Enqueue(std::function<void()> task) {
  flow::graph* const graph = workers_->graph();
  graph->reserve_wait();
  workers_->arena().enqueue([workers = workers_.get(), graph, task = std::move(task)] {
    {
      const RunningScope running(workers);
      task();
    }
    graph->release_wait();
  });
}

//   slots --> [ source ] --RunningTask--> [ upload ] --CompletedTask--> [ sink ]
//     ^        serial |                up to `concurrency`            ^  serial |
//     |               +------------ CompletedTask (no upload) --------+         |
//     +---------------------------------- SlotCount ----------------------------+
//
// The source is not an input_node, because oneTBB calls the function of an input_node under a spin lock. A
// function that suspends under that lock would cause a deadlock.
void Graph::Run(const GraphCallbacks& callbacks) {
  std::optional<tbb::global_control> stacks;
  if (!options_.is_guest) stacks.emplace(tbb::global_control::thread_stack_size, kSlotStackBytes);
  workers_->Start();
  const GuestThreads helpers(&workers_->arena(), options_.is_guest ? MaxWorkers(options_) - 1 : 0);
  workers_->arena().execute([&] {
    flow::graph graph;
    Workers* const workers = workers_.get();
    workers->SetGraph(&graph);
    SlotHolder slots(callbacks, &slot_time_, &idle_);

    SourceNode source(graph, flow::serial, [&](SlotCount returned, SourceNode::output_ports_type& ports) {
      const RunningScope running(workers);
      slots.Take(returned, [&](RunningTask* task) { Emit(task, &ports); });
    });
    UploadNode upload(graph, static_cast<std::size_t>(options_.concurrency), [&](const RunningTask& task) {
      const UploadScope running(workers, &slot_time_);
      return Upload(task, callbacks);
    });
    SinkNode sink(graph, flow::serial, [&](const CompletedTask& task, SinkNode::output_ports_type& ports) {
      const RunningScope running(workers);
      const auto next = Record(task, callbacks, &slot_time_, &idle_);
      if (next.count > 0) std::get<0>(ports).try_put(next);
    });

    flow::make_edge(flow::output_port<0>(source), upload);
    flow::make_edge(flow::output_port<1>(source), sink);
    flow::make_edge(upload, sink);
    flow::make_edge(flow::output_port<0>(sink), source);

    const int first = callbacks.first_slots > 0 ? callbacks.first_slots : options_.concurrency;
    idle_.Add(first, Clock::now());
    source.try_put(SlotCount{first});
    graph.wait_for_all();
  });
}

}  // namespace pipeline
