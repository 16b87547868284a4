// The flow graph: three nodes and the slots that circulate between them.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "pipeline/message.h"
#include "s3/waiter.h"

namespace pipeline {

struct GraphOptions {
  int concurrency = 64;  // slots: at most this many tasks are between source and sink
  int threads = 0;       // workers; 0 means one for each core
};

// What the nodes do. Bodies may wait in the waiter of MakeWaiter(), and in nothing else; they must
// not throw. `next` and `record` are called by one thread at a time each, `upload` by many.
struct GraphBodies {
  std::function<std::optional<SourceItem>()> next;  // nothing: the source is dry, then and from then on
  // Nothing when the task ended without ending its input.
  std::function<std::optional<ObjectResult>(const UploadTask&)> upload;
  std::function<void(const ObjectResult&)> record;
};

// Returns when every input that `next` yielded has been recorded.
void RunGraph(const GraphOptions& options, const GraphBodies& bodies);

// The waiter for bodies of this graph: suspends the task and frees its thread. In the
// ThreadSanitizer build it blocks the thread, and RunGraph uses a thread for each slot.
std::unique_ptr<s3::Waiter> MakeWaiter();

}  // namespace pipeline
