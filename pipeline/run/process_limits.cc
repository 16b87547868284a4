#include "pipeline/run/process_limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

#include "pipeline/runtime/resource_limits.h"

namespace pipeline {
namespace {

// Descriptors for journal, lock, directories of the walk, event loops, name resolution.
constexpr std::uint64_t kMinSpare = 36, kMaxSpare = 512;
constexpr std::uint64_t kMinSlots = 4;
// The guard pages of a slot's stack, and its request's share of the heap; see pipeline/DESIGN.md, "Memory".
constexpr std::uint64_t kSlotBytesBesideStack = 160ull << 10;
constexpr std::uint64_t kMinMemory = 16ull << 20;
constexpr rlim_t kCountedDescriptors = 1 << 16;  // with a higher limit there are always enough

// Counts the open descriptors below `limit`. Lists them from /proc; without /proc, tests each number.
std::uint64_t OpenDescriptors(rlim_t limit) {
  std::uint64_t open = 0;
  if (DIR* const directory = opendir("/proc/self/fd")) {
    const auto own = static_cast<rlim_t>(dirfd(directory));
    while (const dirent* entry = readdir(directory)) {
      rlim_t fd = limit;
      const std::string_view name = entry->d_name;
      std::from_chars(name.data(), name.data() + name.size(), fd);  // "." and ".." leave fd == limit
      open += fd < limit && fd != own ? 1 : 0;
    }
    closedir(directory);
    return open;
  }
  for (rlim_t fd = 0; fd < limit; ++fd) open += fcntl(static_cast<int>(fd), F_GETFD) >= 0 ? 1 : 0;
  return open;
}

// Returns field 1 of /proc/self/statm (proc_pid_statm(5)), in bytes. Without /proc, returns an estimate for
// the program and its libraries.
std::uint64_t AddressesInUse() {
  constexpr std::uint64_t kProgram = 128ull << 20;
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  return file >> pages ? pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : kProgram;
}

std::optional<std::uint64_t> Left(rlim_t limit, std::uint64_t used) {
  if (limit == RLIM_INFINITY) return std::nullopt;
  return limit > used ? limit - used : 0;
}

void Cap(std::uint64_t max, SlotLimits* slots) {
  const auto cap = static_cast<int>(std::min<std::uint64_t>(max, 1 << 20));
  for (int* limit : {&slots->first, &slots->least, &slots->most}) *limit = std::min(*limit, cap);
}

}  // namespace

ProcessLimits ReadProcessLimits() {
  ProcessLimits limits;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= kCountedDescriptors)
    limits.descriptors = Left(limit.rlim_cur, OpenDescriptors(limit.rlim_cur));
  if (getrlimit(RLIMIT_AS, &limit) == 0) limits.address_bytes = Left(limit.rlim_cur, AddressesInUse());
  return limits;
}

AddressUse AddressUseOfGuest(int threads, std::uint64_t stack) {
  constexpr std::uint64_t kHeap = 64ull << 20;  // of each thread: mallopt(3), M_ARENA_MAX
  pthread_attr_t attributes;
  std::size_t thread_stack = 8ull << 20;
  if (pthread_getattr_default_np(&attributes) == 0) {
    pthread_attr_getstacksize(&attributes, &thread_stack);
    pthread_attr_destroy(&attributes);
  }
  // The program may start its own workers after the run: one for each core.
  const auto workers = static_cast<std::uint64_t>(CoresOf({}));
  const auto own = static_cast<std::uint64_t>(threads);
  return {AddressUse().beside_slots + own * (thread_stack + kHeap) + workers * stack, stack};
}

s3::Result<RunSize> FitInto(const ProcessLimits& limits, int event_loops, RunSize size,
                            const AddressUse& use) {
  if (limits.descriptors) {
    const auto left = *limits.descriptors;
    const std::uint64_t per_slot = event_loops > 1 ? 3 : 2;
    const auto spare = std::clamp(left / 4, kMinSpare, kMaxSpare);
    if (left < spare + per_slot * kMinSlots) {
      return s3::Fail(
          s3::ErrorKind::kLocal,
          fmt::format(
              "this process may open only {} more files, and a run needs {}: raise ulimit -n, or make "
              "the launcher close the files that it left open",
              left, kMinSpare + per_slot * kMinSlots));
    }
    Cap((left - spare) / per_slot, &size.slots);
  }
  if (limits.address_bytes) {
    const auto left = *limits.address_bytes;
    const auto slot_bytes = use.slot_stack + kSlotBytesBesideStack;
    const auto least = use.beside_slots + kMinMemory + kMinSlots * slot_bytes;
    if (left < least) {
      return s3::Fail(
          s3::ErrorKind::kLocal,
          fmt::format("this process may use only {} MiB more address space, and a run needs {} MiB: raise "
                      "ulimit -v",
                      left >> 20, least >> 20));
    }
    const auto room = left - use.beside_slots;
    Cap(std::max(kMinSlots, room / 2 / slot_bytes), &size.slots);
    const auto stacks = static_cast<std::uint64_t>(size.slots.most) * slot_bytes;
    // Three quarters, because buffers of several size classes leave gaps.
    const auto memory = std::max(kMinMemory, (room - std::min(room, stacks)) * 3 / 4);
    size.memory_bytes = std::min(size.memory_bytes, memory);
  }
  return size;
}

int CountOf(const RunThreads& threads) {
  // Twelve threads, and one in reserve. The twelve: journal, lock, deadlines, progress, status file, series,
  // estimate, source, credential renewal, running shards, the worker scaler's timer, name resolution. The
  // source's thread is also one of the walkers.
  constexpr int kOneOfEach = 13;
  return kOneOfEach + threads.workers + threads.event_loops + threads.walkers - 1;
}

std::optional<RunThreads> FitThreads(int startable, RunThreads wanted) {
  const auto reduce = [&](int* some) {
    *some = std::max(1, *some - std::max(0, CountOf(wanted) - startable));
  };
  reduce(&wanted.walkers);
  reduce(&wanted.event_loops);
  reduce(&wanted.workers);
  return CountOf(wanted) <= startable ? std::optional(wanted) : std::nullopt;
}

s3::Result<void> FitThreads(int event_loops, Options* options) {
  RunThreads wanted{CoresOf(options->upload), event_loops, 1};
  int streams = 0;
  for (const auto& root : options->source) {
    wanted.walkers = std::max(wanted.walkers, root.threads);
    streams += root.stream ? 1 : 0;
  }
  const int startable = ThreadsThatStart(CountOf(wanted) + streams) - streams;
  if (startable >= CountOf(wanted)) return {};
  const auto threads = FitThreads(startable, wanted);
  if (!threads) {
    return s3::Fail(
        s3::ErrorKind::kLocal,
        fmt::format("this process can start only {} more threads, and a run needs {}: raise ulimit -u, or "
                    "pids.max of the control group",
                    startable + streams, CountOf({}) + streams));
  }
  options->upload.threads = threads->workers;
  options->upload.event_loops = threads->event_loops;
  for (auto& root : options->source) root.threads = std::min(root.threads, threads->walkers);
  return {};
}

}  // namespace pipeline
