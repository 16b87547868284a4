#include "pipeline/graph/graph.h"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>
#include <stop_token>
#include <thread>
#include <tuple>
#include <utility>

#include "pipeline/graph/worker_scaler.h"
#include "pipeline/runtime/threads.h"
#include "pipeline/upload/object.h"

namespace pipeline {
namespace {

namespace flow = tbb::flow;

using Clock = std::chrono::steady_clock;

// The right to have tasks between source and sink.
struct SlotCount {
  int count = 1;
};

// A task between source and sink, and the slots that it holds.
struct RunningTask {
  SourceItem item;
  int slots = 1;
  Clock::time_point began{};
};

struct CompletedTask {
  std::shared_ptr<const ObjectResult> result;  // null: see TaskStats
  int slots = 1;
  std::uint64_t bytes = 0;
  Clock::time_point began{};
};

#ifdef S3FLOW_BLOCKING_WAITER
constexpr bool kBlocking = true;
#else
constexpr bool kBlocking = false;
#endif

// With fewer slots an arena keeps fewer stacks of bodies that wait, and maps and unmaps others all the time.
constexpr int kArenaSlots = 16;

int MostWorkers(const GraphOptions& options) {
  // Every slot may block a thread, and the source one more.
  if (kBlocking) return options.concurrency + 2;
  return options.threads > 0 ? options.threads : tbb::info::default_concurrency();
}

}  // namespace

// Lets oneTBB have as many workers as the bodies need. Thread-safe.
class Workers {
 public:
  explicit Workers(int most)
      : most_(most), demand_(most, Clock::now()), arena_(std::max(most, kArenaSlots)) {}

  tbb::task_arena& arena() { return arena_; }
  flow::graph* graph() { return graph_; }
  void RunIn(flow::graph* graph) { graph_ = graph; }

  // oneTBB never gets more than it was allowed when its first arena began, and says so when there are slots
  // for more.
  void Begin() {
    Allow(arena_.max_concurrency());
    arena_.initialize();
    Allow(adapts_ ? demand_.allowed() : most_);
    if (adapts_) ticker_ = std::jthread([this](const std::stop_token& stop) { Tick(stop); });
  }
  void Enter() {
    if (adapts_) demand_.Enter(Clock::now());
  }
  void Leave() {
    if (!adapts_) return;
    const auto now = Clock::now();
    demand_.Leave(now);
    if (demand_.IsDue(now)) Look(now);
  }

 private:
  void Look(Clock::time_point now) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return;
    if (const auto allowed = demand_.Look(now)) Allow(*allowed);
  }

  // Where all bodies hang in a file system nothing else looks, and there may be others that could go on.
  void Tick(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      never.wait_for(lock, stop, 2 * WorkerScaler::kGlance, [] { return false; });
      Look(Clock::now());
    }
  }

  // Of several limits the smallest counts: there is never none. Without memory for one the last one stays.
  void Allow(int workers) noexcept {
    try {
      limit_ = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                     static_cast<std::size_t>(workers));
    } catch (const std::bad_alloc&) {
    }
  }

  const int most_;
  const bool adapts_ = !kBlocking && most_ > WorkerScaler::kMin;
  WorkerScaler demand_;
  std::mutex mutex_;  // for who looks
  std::unique_ptr<tbb::global_control> limit_;
  tbb::task_arena arena_;
  flow::graph* graph_ = nullptr;  // null before it runs
  std::jthread ticker_;
};

namespace {

// A body at work, but for its waits.
class AtWork {
 public:
  explicit AtWork(Workers* workers) : workers_(workers) { workers_->Enter(); }
  ~AtWork() { workers_->Leave(); }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;

 private:
  Workers* const workers_;
};

class SuspendingWaiter final : public s3::Waiter {
 public:
  explicit SuspendingWaiter(Workers* workers) : workers_(workers) {}

  void Wait(const std::function<void(s3::Wake)>& start) override {
    workers_->Leave();
    tbb::task::suspend([&](tbb::task::suspend_point point) {
      start({[](void* suspended) { tbb::task::resume(static_cast<tbb::task::suspend_point>(suspended)); },
             point});
    });
    workers_->Enter();
  }

 private:
  Workers* const workers_;
};

// The source keeps the slots that it has no task for, and the task that it has not enough slots for.
class SlotHolder {
 public:
  explicit SlotHolder(const GraphCallbacks& bodies) : bodies_(bodies) {}

  // Emits what the slots are enough for. A dry source keeps all that reach it: they are how the graph runs
  // out of work.
  template <typename Emit>
  void Take(SlotCount slots, const Emit& emit) {
    held_ += slots.count;
    while (held_ > 0) {
      if (!next_) next_ = bodies_.next();
      if (!next_) return;
      const int weight = bodies_.weigh(*next_);
      if (weight > held_) return;
      held_ -= weight;
      emit(RunningTask{*std::exchange(next_, std::nullopt), weight, Clock::now()});
    }
  }

 private:
  const GraphCallbacks& bodies_;
  std::optional<SourceItem> next_;
  int held_ = 0;
};

std::unique_ptr<s3::Waiter> MakeWaiter(Workers* workers) {
  if (kBlocking) return std::make_unique<s3::BlockingWaiter>();
  return std::make_unique<SuspendingWaiter>(workers);
}

}  // namespace

Graph::Graph(const GraphOptions& options)
    : options_(options),
      workers_(std::make_unique<Workers>(MostWorkers(options))),
      waiter_(MakeWaiter(workers_.get())) {}

Graph::~Graph() = default;

void Graph::Enqueue(std::function<void()> task) {
  flow::graph* const graph = workers_->graph();
  graph->reserve_wait();
  workers_->arena().enqueue([workers = workers_.get(), graph, task = std::move(task)] {
    {
      const AtWork at_work(workers);
      task();
    }
    graph->release_wait();
  });
}

//   slots --> [ source ] ---RunningTask---> [ upload ] ----CompletedTask----> [ sink ]
//     ^          |       serial           ^ up to `concurrency`     |  serial
//     |          +------CompletedTask (no upload needed)------------------->|
//     +----------------------------- slots -------------------------+
void Graph::Run(const GraphCallbacks& bodies) {
  tbb::global_control stacks(tbb::global_control::thread_stack_size, kSlotStackBytes);
  workers_->Begin();
  workers_->arena().execute([&] {
    flow::graph graph;
    workers_->RunIn(&graph);
    SlotHolder holder(bodies);
    Workers* const workers = workers_.get();

    using SourceNode = flow::multifunction_node<SlotCount, std::tuple<RunningTask, CompletedTask>>;
    SourceNode source(graph, flow::serial, [&](SlotCount slots, SourceNode::output_ports_type& ports) {
      const AtWork at_work(workers);
      holder.Take(slots, [&](RunningTask started) {
        if (auto* result = std::get_if<ObjectResult>(&started.item)) {
          std::get<1>(ports).try_put(CompletedTask{std::make_shared<const ObjectResult>(std::move(*result)),
                                                   started.slots, 0, started.began});
        } else {
          std::get<0>(ports).try_put(std::move(started));
        }
      });
    });
    flow::function_node<RunningTask, CompletedTask> upload(
        graph, static_cast<std::size_t>(options_.concurrency), [&](const RunningTask& started) {
          const AtWork at_work(workers);
          const auto& task = std::get<UploadTask>(started.item);
          auto result = bodies.upload(task);
          auto shared = result ? std::make_shared<const ObjectResult>(std::move(*result)) : nullptr;
          return CompletedTask{std::move(shared), started.slots, BodyBytes(task), started.began};
        });
    using SinkNode = flow::multifunction_node<CompletedTask, std::tuple<SlotCount>>;
    SinkNode sink(graph, flow::serial, [&](const CompletedTask& ended, SinkNode::output_ports_type& ports) {
      const AtWork at_work(workers);
      if (ended.result) bodies.record(*ended.result);
      const int slots =
          bodies.give_back({ended.slots, ended.bytes, Clock::now() - ended.began, ended.result.get()});
      if (slots > 0) std::get<0>(ports).try_put(SlotCount{slots});
    });

    flow::make_edge(flow::output_port<0>(source), upload);
    flow::make_edge(flow::output_port<1>(source), sink);
    flow::make_edge(upload, sink);
    flow::make_edge(flow::output_port<0>(sink), source);

    source.try_put(SlotCount{bodies.first_slots > 0 ? bodies.first_slots : options_.concurrency});
    graph.wait_for_all();
  });
}

}  // namespace pipeline
