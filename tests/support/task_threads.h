// Replaces the graph's workers: threads that take tasks from one queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace test {

class TaskThreads {
 public:
  // Without threads, the test must call RunAll().
  explicit TaskThreads(int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this] {
        while (RunOne()) {
        }
      });
    }
  }
  ~TaskThreads() { Finish(); }

  // Runs the remaining tasks, as Graph::Run does before it returns.
  void Finish() {
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  void Enqueue(std::function<void()> task) {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }
  void WaitFor(std::size_t tasks) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return tasks_.size() >= tasks; });
  }
  // Runs all tasks, and the tasks that they enqueue. Only without threads.
  void RunAll() {
    while (RunOne()) {
      std::lock_guard lock(mutex_);
      if (tasks_.empty()) return;
    }
  }
  // Waits for a task and runs it. Returns false when no task is left and Finish() was called.
  bool RunOne() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || !tasks_.empty(); });
    if (tasks_.empty()) return false;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace test
