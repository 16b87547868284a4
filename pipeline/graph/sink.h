// The sink of the graph. Records each result exactly once, and drains a run that can't succeed.
#pragma once

#include <cstdint>
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

// Called by one thread at a time.
class Sink {
 public:
  // The arguments are not owned and must outlive the sink.
  Sink(Journal* journal, Console* console, Progress* progress, StopControl* stop,
       const FailureLimit& failures = {}, JournalDetail detail = JournalDetail::kFull)
      : journal_(journal),
        console_(console),
        progress_(progress),
        stop_(stop),
        failures_(failures),
        detail_(detail) {}

  // Writes the result to the journal, counts it and shows it. Drains the run if credentials are missing, if
  // too many inputs have failed, or if the store has refused kRefusalsBeforeStop inputs and stored none.
  void Record(const ObjectResult& result);
  // Call it after the last result. If the store refused every input, drains the run as refused, even if there
  // were fewer than kRefusalsBeforeStop inputs. `done_before`: how many inputs earlier sessions have done.
  void End(std::uint64_t done_before);

  const Summary& summary() const { return summary_; }

  // A store may refuse only some keys. After this many refusals without any upload, the sink assumes that the
  // store refuses the whole run.
  static constexpr std::uint64_t kRefusalsBeforeStop = 16;

 private:
  void CountRefusal(const ObjectResult& result);
  void StopAtFailureLimit();
  void StopRefused();
  void ShowHeld();
  bool nothing_succeeded() const { return summary_.uploaded + summary_.sent == 0; }

  Journal* const journal_;
  Console* const console_;
  Progress* const progress_;
  StopControl* const stop_;
  const FailureLimit failures_;
  const JournalDetail detail_;
  Summary summary_;
  std::uint64_t recorded_ = 0;
  std::uint64_t refusals_ = 0;
  std::string first_refusal_;
  std::vector<ObjectResult> held_;  // refused before the first success, and not shown yet
};

}  // namespace pipeline
