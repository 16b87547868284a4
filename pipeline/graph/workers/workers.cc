#include "pipeline/graph/workers/workers.h"

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/version.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>

namespace pipeline {
namespace {

// The minimum number of arena slots. With fewer slots the arena caches fewer stacks of suspended tasks, so it
// maps and unmaps stacks all the time.
constexpr int kArenaSlots = 16;

// All slots of a guest's arena are reserved for its own threads. oneTBB sends a worker to an arena with only
// one reserved slot nevertheless, for enqueued tasks; so a guest has at least two.
int UsedSlots(const GraphOptions& options) {
  return std::max(MaxWorkers(options), options.is_guest ? 2 : kArenaSlots);
}

// Since oneTBB 2022.0, each stack has a counter of the tasks that were spawned on it. oneTBB frees a stack
// and its counter when its cache of stacks is full, although tasks may still use the counter. The cache has
// room for four stacks per slot of the arena. So the arena gets slots that no thread uses, until the cache
// has room for all stacks. https://github.com/uxlfoundation/oneTBB/pull/1785 corrects this in later versions.
int ArenaSlots(const GraphOptions& options) {
  constexpr int kOneTbb2022 = 12140, kStacksPerSlot = 4;
  const int used = UsedSlots(options);
  if (kBlocking || TBB_runtime_interface_version() < kOneTbb2022) return used;
  const int stacks = options.concurrency + MaxWorkers(options) + 1;  // of all tasks, workers and the source
  return std::max(used, (stacks + kStacksPerSlot - 1) / kStacksPerSlot);
}

// Workers of oneTBB never take a reserved slot. The caller of Run() takes one, and a guest's threads all.
unsigned ReservedSlots(const GraphOptions& options) {
  const int all = ArenaSlots(options);
  return static_cast<unsigned>(options.is_guest ? all : all - UsedSlots(options) + 1);
}

}  // namespace

int MaxWorkers(const GraphOptions& options) {
  // The task of each slot may block a thread, and the source may block one, too.
  if (kBlocking) return options.concurrency + 2;
  return options.threads > 0 ? options.threads : tbb::info::default_concurrency();
}

Workers::Workers(const GraphOptions& options)
    : max_(MaxWorkers(options)),
      is_guest_(options.is_guest),
      adapts_(!kBlocking && !is_guest_ && max_ > WorkerScaler::kMin),
      load_(Clock::now()),
      scaler_(max_),
      arena_(ArenaSlots(options), ReservedSlots(options)) {}

// oneTBB reads its limit when the first arena is initialized, and never creates more workers than that. It
// warns if the arena has more slots than the limit. So the limit is raised to the arena's size for a moment.
void Workers::Start() S3_NO_THREAD_SAFETY_ANALYSIS {  // no other thread uses limit_ yet
  if (is_guest_) return arena_.initialize();
  Allow(arena_.max_concurrency());
  arena_.initialize();
  Allow(adapts_ ? scaler_.allowed() : max_);
  if (adapts_) ticker_ = std::jthread([this](const std::stop_token& stop) { Tick(stop); });
}

void Workers::Scale(Clock::time_point now) {
  if (!mutex_.try_lock()) return;  // another thread is in Scale()
  const s3::MutexLock lock(mutex_, std::adopt_lock);
  const auto sample = load_.Sample(now);
  if (!sample) return;
  if (const auto allowed = scaler_.Update(*sample)) Allow(*allowed);
}

// Takes samples in a timer thread, because no task calls Leave() while all running tasks hang in a file
// system, although other tasks may be ready.
void Workers::Tick(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    never.wait_for(lock, stop, 2 * WorkerLoad::kInterval, [] { return false; });
    Scale(Clock::now());
  }
}

// Creates the new limit before the old limit is destroyed, so that there is always a limit; of several
// limits, oneTBB applies the smallest. If there is no memory for the new limit, the old limit stays.
void Workers::Allow(int workers) noexcept {
  try {
    limit_ = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                   static_cast<std::size_t>(workers));
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace pipeline
