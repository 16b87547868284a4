#include "pipeline/graph.h"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <tuple>

namespace pipeline {
namespace {

namespace flow = tbb::flow;

// The right to have one task between source and sink.
struct Slot {};

using MaybeResult = std::optional<ObjectResult>;

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

}  // namespace

std::unique_ptr<s3::Waiter> MakeWaiter() {
  if (kBlocking) return std::make_unique<s3::BlockingWaiter>();
  return std::make_unique<SuspendingWaiter>();
}

//   slot --> [ source ] --UploadTask--> [ upload ] --ObjectResult--> [ sink ]
//     ^          |       serial           ^ up to `concurrency`        |  serial
//     |          +------ObjectResult (no upload needed)--------------->|
//     +----------------------------- slot -----------------------------+
void RunGraph(const GraphOptions& options, const GraphBodies& bodies) {
  const int workers = WorkerCount(options);
  tbb::global_control parallelism(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(workers));
  tbb::global_control stacks(tbb::global_control::thread_stack_size, kStackBytes);
  tbb::task_arena arena(workers);
  arena.execute([&] {
    flow::graph graph;

    using SourceNode = flow::multifunction_node<Slot, std::tuple<UploadTask, MaybeResult>>;
    // A dry source keeps the slots that reach it: they are how the graph runs out of work.
    SourceNode source(graph, flow::serial, [&](Slot, SourceNode::output_ports_type& ports) {
      auto item = bodies.next();
      if (!item) return;
      if (const auto* task = std::get_if<UploadTask>(&*item)) {
        std::get<0>(ports).try_put(*task);
      } else {
        std::get<1>(ports).try_put(std::get<ObjectResult>(std::move(*item)));
      }
    });
    flow::function_node<UploadTask, MaybeResult> upload(graph, static_cast<std::size_t>(options.concurrency),
                                                        bodies.upload);
    flow::function_node<MaybeResult, Slot> sink(graph, flow::serial, [&](const MaybeResult& result) {
      if (result) bodies.record(*result);
      return Slot{};
    });

    flow::make_edge(flow::output_port<0>(source), upload);
    flow::make_edge(flow::output_port<1>(source), sink);
    flow::make_edge(upload, sink);
    flow::make_edge(sink, source);

    for (int i = 0; i < options.concurrency; ++i) source.try_put(Slot{});
    graph.wait_for_all();
  });
}

}  // namespace pipeline
