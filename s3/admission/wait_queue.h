// The requests that wait for admission, in the order in which they are served, and which of them leads.
// Guarded by the lock of its owner.
//
// Allocates nothing: entries live in the frames of those who wait, so a request that runs out of memory
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
    kOutageEnd,  // nothing is sent: waits until the store is back
  };

  enum class State { kWaiting, kAdmitted, kRejected };

  // One that waits. Not owned: it must stay where it is while it is in the queue or suspended.
  struct Entry {
    Purpose purpose = Purpose::kRequest;
    std::uint64_t bytes = 0;  // of the request's body
    State state = State::kWaiting;
    // Set while the entry's task is suspended; taken by whoever resumes it.
    std::optional<Wake> wake{};
    Entry* next = nullptr;

    bool is_request() const { return purpose != Purpose::kOutageEnd; }
  };

  // Entries linked by `next`; each is in one list at most.
  struct List {
    Entry* first = nullptr;
    Entry* last = nullptr;

    void Append(Entry* entry);
    // Returns false when the list does not hold the entry.
    bool Remove(Entry* entry);
  };

  // Suspended entries to be resumed. An entry ends its life when it is resumed, so its wake is called last
  // and without the owner's lock.
  class Woken {
   public:
    void Add(Entry* entry) { entries_.Append(entry); }
    // Resumes them in the order in which they were added.
    void WakeAll();

   private:
    List entries_;
  };

  bool empty() const { return lists_[0].first == nullptr && lists_[1].first == nullptr; }
  // The entry that is served next: retries before new requests, each in order of arrival. Null when empty.
  Entry* front() const { return lists_[0].first != nullptr ? lists_[0].first : lists_[1].first; }

  // Appends an entry. It becomes the leader when there is none.
  void Push(Entry* entry, Priority priority);
  // Removes the front entry with its final `state`; adds it to `*woken` when its task is suspended.
  void ResolveFront(State state, Woken* woken);
  // Removes an entry that stopped waiting before it was resolved.
  void Remove(Entry* entry);

  // The leader runs the timer and probes the store for all others. It stays the leader, even when it is
  // resolved, until ReplaceLeader().
  bool IsLeader(const Entry* entry) const { return entry == leader_; }
  // Makes the front entry the leader. Returns its wake when its task is suspended.
  std::optional<Wake> ReplaceLeader();

 private:
  std::array<List, 2> lists_;  // by Priority
  Entry* leader_ = nullptr;
};

}  // namespace s3
