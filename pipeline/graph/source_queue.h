// Decides what the source hands out next. Source guards it with a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <variant>

#include "pipeline/message.h"
#include "pipeline/upload/object.h"

namespace pipeline {

// Inputs that were begun come before new ones. They are handed out even after Stop(): their tasks notice the
// stop, and the last task makes the result. Not thread-safe, except for FinishInput().
class SourceQueue {
 public:
  // An object to be uploaded from the start again, with the counts of its earlier attempts.
  struct Restart {
    std::shared_ptr<const Object> before;
  };
  using Entry = std::variant<UploadTask, Restart, std::shared_ptr<const InputFile>, ObjectResult>;

  // Adds more work on an input that was handed out.
  void PushBegun(Entry entry) { begun_.push_back(std::move(entry)); }
  void PushNew(Entry input) { new_.push_back(std::move(input)); }
  // There will be no more new inputs.
  void Close() { closed_ = true; }
  // From now on no new input is handed out.
  void Stop() { stopped_ = true; }

  bool HasNext() const { return !begun_.empty() || (!stopped_ && !new_.empty()); }
  // Requires HasNext. A new input is open until FinishInput.
  Entry Pop();
  // Call it when an input that was handed out has its result. Returns true when no other input is open. Any
  // thread; needs no lock.
  bool FinishInput() { return --open_ == 0; }

  // True when all inputs were handed out.
  bool Exhausted() const { return closed_ && new_.empty(); }
  // True when nothing will be handed out any more: no new input, and no further work on an open one.
  bool Drained() const { return (stopped_ || Exhausted()) && open_ == 0; }

  bool stopped() const { return stopped_; }
  std::size_t new_inputs() const { return new_.size(); }
  std::uint64_t handed_out() const { return handed_out_; }

 private:
  std::deque<Entry> begun_;
  std::deque<Entry> new_;
  bool closed_ = false;
  bool stopped_ = false;
  std::uint64_t handed_out_ = 0;         // inputs, each once
  std::atomic<std::uint64_t> open_ = 0;  // handed out, without a result yet
};

}  // namespace pipeline
