#include "pipeline/graph/workers/worker_load.h"

#include <utility>

namespace pipeline {

std::optional<LoadSample> WorkerLoad::Sample(Clock::time_point now) {
  if (!IsDue(now)) return std::nullopt;
  LoadSample sample;
  sample.length = now - sampled_at_.exchange(now);
  const PackedLoad load(word_);
  const auto worked = load.WorkedUntil(now);
  const auto completed = load.completed();
  sample.worked_s = PackedLoad::SecondsOf(worked - std::exchange(worked_before_, worked));
  const auto before = std::exchange(completed_before_, completed);
  sample.completed = static_cast<PackedLoad::Completed>(completed - before);
  return sample;
}

}  // namespace pipeline
