// A node of a oneTBB flow graph that uploads files and buffers to S3.
//
//   tbb::flow::graph graph;
//   s3flow::UploadNode upload(graph, std::move(*s3flow::Uploader::Open(options)));
//   tbb::flow::make_edge(compress, upload);  // compress produces s3flow::Upload
//   tbb::flow::make_edge(upload, report);    // report consumes s3flow::UploadResult
//   ...
//   graph.wait_for_all();                    // every input has its result
//
// pipeline/EMBEDDING.md has the rules: arenas, exceptions, shutdown, fork, signals. This file is compiled
// with the caller's oneTBB. The library behind it has an arena of its own, so no task of the caller is ever
// suspended.
#pragma once

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "s3flow/upload.h"
#include "s3flow/uploader.h"

namespace s3flow {

// What happens to an input while NodeOptions::max_open inputs are open.
enum class WhenFull {
  kQueue,   // the node keeps it in a queue without bound, so no message is ever lost
  kReject,  // the node rejects it: the predecessor must keep it, such as a queue_node or an input_node
};

struct NodeOptions {
  // At least 1. The maximum number of inputs that have left the node's queue and have no result yet. It
  // limits the memory of buffers that wait, if the predecessors keep to it (kReject).
  std::size_t max_open = 1024;
  WhenFull when_full = WhenFull::kQueue;
};

//   input --> [ queue ] --> [ limiter ] --> [ async ] --> [ split ] --> results
//             kQueue only       ^                             |
//                               +---------- one less ---------+
//
// Results come in any order. As for any node: destroy it after graph.wait_for_all(), and before the graph.
class UploadNode : public tbb::flow::composite_node<std::tuple<Upload>, std::tuple<UploadResult>> {
 public:
  UploadNode(tbb::flow::graph& graph, Uploader uploader, const NodeOptions& options = {})
      : composite_node(graph),
        graph_(graph),
        queue_(graph),
        limiter_(graph, std::max<std::size_t>(options.max_open, 1)),
        async_(graph, tbb::flow::unlimited,
               [this](const Upload& upload, AsyncNode::gateway_type& gateway) { Submit(upload, gateway); }),
        split_(graph, tbb::flow::unlimited,
               [](const UploadResult& result, SplitNode::output_ports_type& ports) {
                 std::get<0>(ports).try_put(result);
                 std::get<1>(ports).try_put(tbb::flow::continue_msg());
               }),
        uploader_(std::move(uploader)) {
    tbb::flow::make_edge(queue_, limiter_);
    tbb::flow::make_edge(limiter_, async_);
    tbb::flow::make_edge(async_, split_);
    tbb::flow::make_edge(tbb::flow::output_port<1>(split_), limiter_.decrementer());
    using Input = tbb::flow::receiver<Upload>;
    Input& input = options.when_full == WhenFull::kQueue ? static_cast<Input&>(queue_) : limiter_;
    set_external_ports(input_ports_type(input), output_ports_type(tbb::flow::output_port<0>(split_)));
    uploader_->Start([this](const UploadResult& result) { Deliver(result); });
    watcher_ = std::thread([this] { WatchCancellation(); });
  }

  // Cancels the inputs that have no result yet, and drops their results. Then waits for the whole graph,
  // because messages may be on their way through this node. A reservation of the caller
  // (graph::reserve_wait()) must have ended.
  ~UploadNode() override {
    is_closing_ = true;
    {
      const std::lock_guard lock(mutex_);
      quit_ = true;
    }
    changed_.notify_all();
    watcher_.join();
    if (open_ > 0) uploader_->Cancel("the node was destroyed");
    try {
      graph_.wait_for_all();
    } catch (...) {  // of another node, whose messages are dropped like the results of this one
    }
    uploader_.reset();
  }

  // Returns false if the input was rejected. Only kReject rejects.
  bool try_put(const Upload& upload) { return std::get<0>(input_ports()).try_put(upload); }

  // Ends the node for good, see Uploader::Cancel(). A cancelled graph does the same.
  void Cancel(const std::string& reason) { uploader_->Cancel(reason); }

  Statistics statistics() const { return uploader_->statistics(); }

 private:
  using AsyncNode = tbb::flow::async_node<Upload, UploadResult>;
  using SplitNode =
      tbb::flow::multifunction_node<UploadResult, std::tuple<UploadResult, tbb::flow::continue_msg>>;

  // Runs in the caller's arena, and returns at once.
  void Submit(const Upload& upload, AsyncNode::gateway_type& gateway) {
    context_ = tbb::task::current_context();
    gateway.reserve_wait();
    if (open_++ == 0) {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    }
    try {
      if (is_closing_) uploader_->Cancel("the node was destroyed");
      uploader_->Submit(upload);
    } catch (...) {  // std::bad_alloc; oneTBB cancels the graph and rethrows it in wait_for_all()
      Close(gateway);
      throw;
    }
  }

  // Runs in a thread of the uploader.
  void Deliver(const UploadResult& result) {
    auto& gateway = async_.gateway();
    try {
      if (!is_closing_) gateway.try_put(result);
    } catch (...) {  // std::bad_alloc: a graph that has lost a message must not look complete
      graph_.cancel();
    }
    Close(gateway);
  }

  // The graph may end, and this node with it, when this function returns.
  void Close(AsyncNode::gateway_type& gateway) {
    --open_;
    gateway.release_wait();
  }

  // oneTBB tells nobody that a graph was cancelled, by graph::cancel() or by an exception of a neighbour. But
  // wait_for_all() waits for the open inputs. So this thread looks now and then, while inputs are open.
  void WatchCancellation() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return quit_ || open_ > 0; });
      if (quit_) return;
      changed_.wait_for(lock, std::chrono::milliseconds(20), [this] { return quit_; });
      auto* const context = context_.load();
      if (open_ == 0 || context == nullptr || !context->is_group_execution_cancelled()) continue;
      uploader_->Cancel("the flow graph was cancelled");
      return;
    }
  }

  tbb::flow::graph& graph_;
  tbb::flow::queue_node<Upload> queue_;
  tbb::flow::limiter_node<Upload> limiter_;
  AsyncNode async_;
  SplitNode split_;
  std::optional<Uploader> uploader_;
  std::atomic<std::uint64_t> open_{0};
  std::atomic<bool> is_closing_{false};
  std::atomic<tbb::task_group_context*> context_{nullptr};  // the graph's
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quit_ = false;
  std::thread watcher_;
};

}  // namespace s3flow
