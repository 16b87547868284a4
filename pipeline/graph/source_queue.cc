#include "pipeline/graph/source_queue.h"

#include <utility>

namespace pipeline {

SourceQueue::Entry SourceQueue::Pop() {
  const bool is_new = begun_.empty();
  auto& queue = is_new ? new_ : begun_;
  auto entry = std::move(queue.front());
  queue.pop_front();
  if (is_new) {
    ++handed_out_;
    ++open_;
  }
  return entry;
}

}  // namespace pipeline
