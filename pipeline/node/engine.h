// The parts of an Uploader: the same graph, uploader, client and journal as in a run, with inputs that a
// program submits instead of a walk.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>

#include "pipeline/graph/concurrency_controller.h"
#include "pipeline/graph/graph.h"
#include "pipeline/graph/source.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/node/inbox.h"
#include "pipeline/node/translate.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "pipeline/report/console.h"
#include "pipeline/report/summary.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/runtime/deadlines.h"
#include "pipeline/stop.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/digest_scheduler.h"
#include "pipeline/upload/property_rules.h"
#include "pipeline/upload/tasks_in_flight.h"
#include "pipeline/upload/uploader.h"
#include "s3/base/mutex.h"
#include "s3/base/result.h"
#include "s3flow/options.h"
#include "s3flow/upload.h"
#include "s3flow/uploader.h"

namespace pipeline {

// The parts of an Engine whose creation may fail.
struct EngineSetup {
  s3flow::Options options;
  std::unique_ptr<StopControl> stop;      // the journal refers to it
  std::optional<RunDirectory> directory;  // nothing: no journal
  Options run;                            // with the memory that the process limits allow
  s3::Options store;
  std::vector<s3::BucketAddress> buckets;
  RunCredentials credentials;
  std::optional<PropertyRules> rules;  // always set
  SlotLimits slots;
  int event_loops = 1;
};

// Members stand in build order, as in a Session: each may use those above it.
class Engine {
 public:
  using OnResult = std::function<void(s3flow::UploadResult)>;

  // See Uploader for the contract of each function.
  static s3::Result<std::unique_ptr<Engine>> Open(const s3flow::Options& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void Start(OnResult on_result);
  void Submit(s3flow::Upload upload);
  void Cancel(const std::string& reason);
  void Wait() const { inbox_.WaitUntilNoneIsOpen(); }
  s3flow::Statistics statistics() const;

 private:
  explicit Engine(EngineSetup setup);
  bool Find(const Yield& yield);
  Input InputFor(Submission submission);
  void CancelWith(const char* reason) noexcept;
  UploadContext ContextOf();
  GraphCallbacks Callbacks();
  void Record(const ObjectResult& result);
  void RecordOne(const ObjectResult& result);
  int SlotsAfter(const TaskStats& task);
  void RecordEnd();
  void AbortOrphans();
  Journal* journal() const { return setup_.directory ? setup_.directory->journal() : nullptr; }

  const EngineSetup setup_;
  StopControl* const stop_ = setup_.stop.get();
  s3::RateLimits limits_;
  Progress progress_;
  Console console_;  // shows nothing
  ClientFactory clients_;
  Graph graph_;
  const std::unique_ptr<s3::Client> client_;
  BufferPool buffers_;
  DigestScheduler digests_;
  TasksInFlight tasks_;
  const Deadlines deadlines_;
  History no_history_;
  Inbox inbox_;
  Source source_;
  pipeline::Uploader uploader_;
  ConcurrencyController slots_;
  // Hashes of the keys so far, for InputFor(); only the source's thread uses them.
  std::unordered_set<std::size_t> keys_;
  s3::Mutex record_mutex_;
  OnResult on_result_;
  Summary summary_;     // guarded by record_mutex_ while the threads run
  std::thread thread_;  // runs the graph
};

}  // namespace pipeline
