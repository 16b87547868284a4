#include "pipeline/graph.h"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "pipeline/object.h"

namespace pipeline {
namespace {

namespace flow = tbb::flow;

using Clock = std::chrono::steady_clock;

// The right to have tasks between source and sink.
struct Slots {
  int count = 1;
};

// A task between source and sink, and the slots that it holds.
struct Started {
  SourceItem item;
  int slots = 1;
  Clock::time_point began{};
};

struct Ended {
  std::shared_ptr<const ObjectResult> result;  // null: see Finished
  int slots = 1;
  std::uint64_t bytes = 0;
  Clock::time_point began{};
};

#ifdef S3FLOW_BLOCKING_WAITER
constexpr bool kBlocking = true;
#else
constexpr bool kBlocking = false;
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStackBytes = 1 << 20;  // instrumented frames are several times as large
#else
constexpr std::size_t kStackBytes = 256 << 10;
#endif

class SuspendingWaiter final : public s3::Waiter {
 public:
  void Wait(const std::function<void(s3::Wake)>& start) override {
    tbb::task::suspend([&start](tbb::task::suspend_point point) {
      start({[](void* suspended) { tbb::task::resume(static_cast<tbb::task::suspend_point>(suspended)); },
             point});
    });
  }
};

int WorkerCount(const GraphOptions& options) {
  // Every slot may block a thread, and the source one more.
  if (kBlocking) return options.concurrency + 2;
  return options.threads > 0 ? options.threads : tbb::info::default_concurrency();
}

// The source keeps the slots that it has no task for, and the task that it has not enough slots for.
class SlotHolder {
 public:
  explicit SlotHolder(const GraphBodies& bodies) : bodies_(bodies) {}

  // Emits what the slots are enough for. A dry source keeps all that reach it: they are how the graph runs
  // out of work.
  template <typename Emit>
  void Take(Slots slots, const Emit& emit) {
    held_ += slots.count;
    while (held_ > 0) {
      if (!next_) next_ = bodies_.next();
      if (!next_) return;
      const int weight = bodies_.weigh(*next_);
      if (weight > held_) return;
      held_ -= weight;
      emit(Started{*std::exchange(next_, std::nullopt), weight, Clock::now()});
    }
  }

 private:
  const GraphBodies& bodies_;
  std::optional<SourceItem> next_;
  int held_ = 0;
};

}  // namespace

std::unique_ptr<s3::Waiter> MakeWaiter() {
  if (kBlocking) return std::make_unique<s3::BlockingWaiter>();
  return std::make_unique<SuspendingWaiter>();
}

//   slots --> [ source ] ---Started---> [ upload ] ----Ended----> [ sink ]
//     ^          |       serial           ^ up to `concurrency`     |  serial
//     |          +------Ended (no upload needed)------------------->|
//     +----------------------------- slots -------------------------+
void RunGraph(const GraphOptions& options, const GraphBodies& bodies) {
  const int workers = WorkerCount(options);
  tbb::global_control parallelism(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(workers));
  tbb::global_control stacks(tbb::global_control::thread_stack_size, kStackBytes);
  tbb::task_arena arena(workers);
  arena.execute([&] {
    flow::graph graph;
    SlotHolder holder(bodies);

    using SourceNode = flow::multifunction_node<Slots, std::tuple<Started, Ended>>;
    SourceNode source(graph, flow::serial, [&](Slots slots, SourceNode::output_ports_type& ports) {
      holder.Take(slots, [&](Started started) {
        if (auto* result = std::get_if<ObjectResult>(&started.item)) {
          std::get<1>(ports).try_put(Ended{std::make_shared<const ObjectResult>(std::move(*result)),
                                           started.slots, 0, started.began});
        } else {
          std::get<0>(ports).try_put(std::move(started));
        }
      });
    });
    flow::function_node<Started, Ended> upload(
        graph, static_cast<std::size_t>(options.concurrency), [&](const Started& started) {
          const auto& task = std::get<UploadTask>(started.item);
          auto result = bodies.upload(task);
          auto shared = result ? std::make_shared<const ObjectResult>(std::move(*result)) : nullptr;
          return Ended{std::move(shared), started.slots, BodyBytes(task), started.began};
        });
    using SinkNode = flow::multifunction_node<Ended, std::tuple<Slots>>;
    SinkNode sink(graph, flow::serial, [&](const Ended& ended, SinkNode::output_ports_type& ports) {
      if (ended.result) bodies.record(*ended.result);
      const int slots =
          bodies.give_back({ended.slots, ended.bytes, Clock::now() - ended.began, ended.result.get()});
      if (slots > 0) std::get<0>(ports).try_put(Slots{slots});
    });

    flow::make_edge(flow::output_port<0>(source), upload);
    flow::make_edge(flow::output_port<1>(source), sink);
    flow::make_edge(upload, sink);
    flow::make_edge(flow::output_port<0>(sink), source);

    source.try_put(Slots{bodies.first_slots > 0 ? bodies.first_slots : options.concurrency});
    graph.wait_for_all();
  });
}

}  // namespace pipeline
