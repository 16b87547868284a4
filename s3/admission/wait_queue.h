// Holds the requests that wait for admission, in the order in which they are served, and knows their leader.
// Not thread-safe: the owner's lock must guard it.
//
// Allocates no memory, because entries are in the stack frames of the waiting tasks. So a lack of memory
// cannot leave the queue half changed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "s3/base/waiter.h"

namespace s3 {

class WaitQueue {
 public:
  enum class Priority { kRetry, kNew };

  // What an entry waits for.
  enum class Purpose {
    kRequest,    // a request that is rejected when the run stops
    kCleanup,    // a request that is sent even when the run stops
    kOutageEnd,  // no request: its task waits until the store is back
  };

  enum class State { kWaiting, kAdmitted, kRejected };

  // A waiting request. Not owned: it must not move while it is in the queue or its task is suspended.
  struct Entry {
    Purpose purpose = Purpose::kRequest;
    std::uint64_t bytes = 0;  // of the request's body
    State state = State::kWaiting;
    // Resumes the entry's task; set while the task is suspended.
    std::optional<Wake> wake{};
    Entry* next = nullptr;  // the next entry in its list

    bool is_request() const { return purpose != Purpose::kOutageEnd; }
  };

  // Entries linked by `next`; each is in one list at most.
  struct List {
    Entry* first = nullptr;
    Entry* last = nullptr;

    void Append(Entry* entry);
    // Returns false when the list does not contain the entry.
    bool Remove(Entry* entry);
  };

  // Resolved entries whose tasks are still suspended. A resumed task destroys its entry, so do not use an
  // entry after its wake was called.
  class Woken {
   public:
    void Add(Entry* entry) { entries_.Append(entry); }
    // Resumes the tasks in the order in which their entries were added. Call it without the owner's lock.
    void WakeAll();

   private:
    List entries_;
  };

  bool empty() const { return lists_[0].first == nullptr && lists_[1].first == nullptr; }
  // The entry that is served next: retries before new requests, each in order of arrival. Null when empty.
  Entry* front() const { return lists_[0].first != nullptr ? lists_[0].first : lists_[1].first; }

  // Calls `visit` with each waiting entry whose task is suspended.
  template <typename Visit>
  void ForEachSuspended(const Visit& visit) const {
    for (const auto& list : lists_) {
      for (const auto* entry = list.first; entry != nullptr; entry = entry->next) {
        if (entry->wake) visit(*entry);
      }
    }
  }

  // Appends an entry. It becomes the leader if the queue has no leader.
  void Push(Entry* entry, Priority priority);
  // Removes the front entry and sets its final `state`. Adds it to `*woken` when its task is suspended.
  void ResolveFront(State state, Woken* woken);
  // Removes an entry that stopped waiting before it was resolved.
  void Remove(Entry* entry);

  // The leader runs the timer and probes the store for all others. An entry stays the leader until
  // ReplaceLeader() is called, even after it was resolved.
  bool IsLeader(const Entry* entry) const { return entry == leader_; }
  // Makes the front entry the leader. Returns the new leader's wake when its task is suspended.
  std::optional<Wake> ReplaceLeader();

 private:
  std::array<List, 2> lists_;  // by Priority
  Entry* leader_ = nullptr;
};

}  // namespace s3
