// The arena of a graph, and how many of oneTBB's workers it may use. Thread-safe.
#pragma once

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <thread>

#include "pipeline/graph/graph.h"
#include "pipeline/graph/workers/worker_load.h"
#include "pipeline/graph/workers/worker_scaler.h"
#include "s3/base/mutex.h"

namespace pipeline {

// True if tasks that wait block their threads (under TSan, which cannot follow suspended tasks).
#ifdef S3FLOW_BLOCKING_WAITER
inline constexpr bool kBlocking = true;
#else
inline constexpr bool kBlocking = false;
#endif

// Returns the largest number of threads that run the graph's tasks.
int MaxWorkers(const GraphOptions& options);

// Allows oneTBB only as many workers as there is work for. A guest (GraphOptions) uses none of them, and its
// number of threads is fixed.
class Workers {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Workers(const GraphOptions& options);

  tbb::task_arena& arena() { return arena_; }
  tbb::flow::graph* graph() { return graph_; }
  void SetGraph(tbb::flow::graph* graph) { graph_ = graph; }

  // Initializes the arena. Call it once, before the first task.
  void Start();

  // If false, the number of workers is fixed, and Enter() and Leave() do nothing.
  bool adapts() const { return adapts_; }
  // A task starts or resumes.
  void Enter(Clock::time_point now) {
    if (adapts_) load_.Enter(now);
  }
  // A task completes or is suspended.
  void Leave(Clock::time_point now) {
    if (!adapts_) return;
    load_.Leave(now);
    if (load_.IsDue(now)) Scale(now);
  }

 private:
  void Scale(Clock::time_point now);
  void Tick(const std::stop_token& stop);
  void Allow(int workers) noexcept S3_REQUIRES(mutex_);

  const int max_;
  const bool is_guest_;
  const bool adapts_;
  WorkerLoad load_;
  s3::Mutex mutex_;  // guards scaler_, limit_ and WorkerLoad::Sample
  WorkerScaler scaler_ S3_GUARDED_BY(mutex_);
  std::unique_ptr<tbb::global_control> limit_ S3_GUARDED_BY(mutex_);
  tbb::task_arena arena_;
  tbb::flow::graph* graph_ = nullptr;  // null before Graph::Run
  std::jthread ticker_;
};

}  // namespace pipeline
