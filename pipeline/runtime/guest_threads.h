// Threads of a graph that runs inside another program (GraphOptions::is_guest).
#pragma once

#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <deque>
#include <system_error>
#include <thread>
#include <vector>

namespace pipeline {

// Threads that work in the arena of a guest, besides the thread in Graph::Run. A worker of oneTBB would be
// captured there: if a task is suspended that the worker runs on its own stack, it cannot leave the arena
// until the task is resumed. The other work of the process would lack this worker as long as the store does
// not respond.
class GuestThreads {
 public:
  // If the system starts no more threads, there are fewer.
  GuestThreads(tbb::task_arena* arena, int count) {
    try {
      while (static_cast<int>(threads_.size()) < count) {
        auto& work = work_.emplace_back();
        work.hold = work.group.defer([] {});  // group.wait() runs the arena's tasks until this one is gone
        threads_.emplace_back([arena, &work] { arena->execute([&work] { work.group.wait(); }); });
      }
    } catch (const std::system_error&) {
    }
  }
  ~GuestThreads() {
    for (auto& work : work_) work.hold = {};
    for (auto& thread : threads_) thread.join();
  }
  GuestThreads(const GuestThreads&) = delete;
  GuestThreads& operator=(const GuestThreads&) = delete;

 private:
  struct Work {
    tbb::task_group group;
    tbb::task_handle hold;
  };
  std::deque<Work> work_;
  std::vector<std::thread> threads_;
};

}  // namespace pipeline
