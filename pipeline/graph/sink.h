// The sink of the graph: records each result exactly once. One caller at a time.
#pragma once

#include <string>
#include <vector>

#include "pipeline/journal/journal.h"
#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "pipeline/report/console.h"
#include "pipeline/report/summary.h"
#include "pipeline/stop.h"

namespace pipeline {

class Sink {
 public:
  // None of the arguments is owned.
  Sink(Journal* journal, Console* console, Progress* progress, StopControl* stop,
       const FailureLimit& failures = {})
      : journal_(journal), console_(console), progress_(progress), stop_(stop), failures_(failures) {}

  // Writes the journal, counts, and stops the run when it cannot go on: when the journal fails, or when
  // nothing but refusals came.
  void Record(const ObjectResult& result);
  // After the last result: a run of few inputs, all of them refused, has been refused, too. `before`: inputs
  // that earlier sessions have settled.
  void End(std::uint64_t before);

  const Summary& summary() const { return summary_; }

  // A store may refuse single keys; after this many refusals and no upload it is the run.
  static constexpr std::uint64_t kRefusalsBeforeStop = 16;

 private:
  void CountRefusal(const ObjectResult& result);
  void ShowHeld();
  void StopRefused();
  bool nothing_succeeded() const { return summary_.uploaded + summary_.sent == 0; }
  void StopAtLimit();

  Journal* const journal_;
  Console* const console_;
  Progress* const progress_;
  StopControl* const stop_;
  const FailureLimit failures_;
  Summary summary_;
  std::uint64_t settled_ = 0;
  std::uint64_t refusals_ = 0;
  std::string first_refusal_;
  std::vector<ObjectResult> held_;  // refused before anything succeeded, and not shown yet
};

}  // namespace pipeline
