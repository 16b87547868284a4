#include "s3/admission/wait_queue.h"

#include <utility>

namespace s3 {

void WaitQueue::List::Append(Entry* entry) {
  entry->next = nullptr;
  (first == nullptr ? first : last->next) = entry;
  last = entry;
}

bool WaitQueue::List::Remove(Entry* entry) {
  Entry* before = nullptr;
  Entry* found = first;
  while (found != nullptr && found != entry) before = std::exchange(found, found->next);
  if (found == nullptr) return false;
  (before == nullptr ? first : before->next) = entry->next;
  if (last == entry) last = before;
  return true;
}

void WaitQueue::Woken::WakeAll() {
  Entry* entry = entries_.first;
  while (entry != nullptr) {
    const Wake wake = *entry->wake;
    entry = entry->next;
    wake();  // after this call the entry may be destroyed
  }
}

void WaitQueue::Push(Entry* entry, Priority priority) {
  lists_[priority == Priority::kRetry ? 0 : 1].Append(entry);
  if (leader_ == nullptr) leader_ = entry;
}

void WaitQueue::ResolveFront(State state, Woken* woken) {
  Entry* const entry = front();
  Remove(entry);
  entry->state = state;
  if (entry->wake) woken->Add(entry);
}

void WaitQueue::Remove(Entry* entry) {
  for (List& list : lists_) {
    if (list.Remove(entry)) return;
  }
}

std::optional<Wake> WaitQueue::ReplaceLeader() {
  leader_ = front();
  if (leader_ == nullptr) return std::nullopt;
  return std::exchange(leader_->wake, std::nullopt);
}

}  // namespace s3
