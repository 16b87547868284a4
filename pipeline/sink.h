// The sink of the graph: records each result exactly once. One caller at a time.
#pragma once

#include "pipeline/console.h"
#include "pipeline/journal.h"
#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "pipeline/stop.h"
#include "pipeline/summary.h"

namespace pipeline {

class Sink {
 public:
  // None of the arguments is owned.
  Sink(Journal* journal, Console* console, Progress* progress, StopControl* stop,
       const FailureLimit& failures = {})
      : journal_(journal), console_(console), progress_(progress), stop_(stop), failures_(failures) {}

  // Writes the journal, counts, and stops the run when it cannot go on: when the journal fails,
  // when the store refuses everybody, or when nothing but refusals came.
  void Record(const ObjectResult& result);

  const Summary& summary() const { return summary_; }

  // Access can be denied to single keys; after this many denials and no upload it is the run.
  static constexpr std::uint64_t kDenialsBeforeStop = 16;

 private:
  void StopIfHopeless(const s3::Error& error);
  void StopAtLimit();

  Journal* const journal_;
  Console* const console_;
  Progress* const progress_;
  StopControl* const stop_;
  const FailureLimit failures_;
  Summary summary_;
  std::uint64_t settled_ = 0;
  std::uint64_t denials_ = 0;
  bool refused_ = false;
};

}  // namespace pipeline
