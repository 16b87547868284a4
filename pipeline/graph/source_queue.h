// Decides which input or task the source hands out next.
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

// Work on begun inputs is handed out before new inputs, even after Stop(). Its tasks notice the stop, and the
// last task of an input makes the result. Not thread-safe, except for FinishInput(): Source holds its lock
// around all other calls.
class SourceQueue {
 public:
  // An object whose upload starts over, with the counts of its earlier attempts.
  struct Restart {
    std::shared_ptr<const Object> before;
  };
  using Entry = std::variant<UploadTask, Restart, std::shared_ptr<const InputFile>, ObjectResult>;

  // Adds more work on an input that Pop() has handed out.
  void PushBegun(Entry entry) { begun_.push_back(std::move(entry)); }
  void PushNew(Entry input) { new_.push_back(std::move(input)); }
  // Tells the queue that PushNew() will not be called again.
  void Close() { closed_ = true; }
  // From now on Pop() hands out no new input.
  void Stop() { stopped_ = true; }

  bool HasNext() const { return !begun_.empty() || (!stopped_ && !new_.empty()); }
  // Removes and returns the next entry. Precondition: HasNext(). A new input is open from then until
  // FinishInput().
  Entry Pop();
  // Call it when an open input has its result. Returns true if no other input is open. Any thread; needs no
  // lock.
  bool FinishInput() { return --open_ == 0; }

  // Returns true if all inputs were handed out.
  bool Exhausted() const { return closed_ && new_.empty(); }
  // Returns true if new inputs may still be handed out.
  bool MayHaveMore() const { return !stopped_ && !Exhausted(); }
  // Returns true if nothing more can be handed out: no new input is left or allowed, and no input is open.
  bool Drained() const { return (stopped_ || Exhausted()) && open_ == 0; }

  bool stopped() const { return stopped_; }
  std::size_t new_inputs() const { return new_.size(); }
  std::uint64_t handed_out() const { return handed_out_; }

 private:
  std::deque<Entry> begun_;
  std::deque<Entry> new_;
  bool closed_ = false;
  bool stopped_ = false;
  std::uint64_t handed_out_ = 0;         // number of new inputs that Pop() has returned
  std::atomic<std::uint64_t> open_ = 0;  // number of inputs that were handed out and have no result yet
};

}  // namespace pipeline
