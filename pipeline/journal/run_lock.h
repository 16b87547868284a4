// One writer for a run directory: a lock made of files, for file systems without flock and for directories
// that several machines share.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "pipeline/fs/own_dir.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

// What /proc/PID/stat says of a process; proc_pid_stat(5).
struct ProcessState {
  std::uint64_t start = 0;  // in clock ticks since the boot; 0 when it says nothing
  // Nothing of it runs any more, though its parent has not asked for its exit status (a zombie). A first
  // thread that has ended while others run is in the same state: then their number is more than one.
  bool has_ended = false;
};
ProcessState ParseProcessState(std::string_view stat);

// Each holder links `locks/N` into place, N one higher than the highest there is: link(2) lets exactly one
// succeed, on NFS and Lustre, too. A holder that ends marks its file as released. One that died is known
// by its process, when that ran on this machine since its boot, else by the age of its file: a holder
// renews it every few seconds. What is taken over is never removed before it is eight holders old, so that
// nobody who looked long ago can take a place that was taken since.
class RunLock {
 public:
  // kCancelled when another process holds it, naming it; kLocal when the system refuses, or what is there is
  // no lock of ours. Never waits. `on_lost` is called, by a thread of the lock's, when another process has
  // taken it over: this one was taken for dead, and must write no more.
  static s3::Result<std::unique_ptr<RunLock>> Acquire(const OwnDir& run_dir, std::function<void()> on_lost);
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  ~RunLock();

  // Whether a process holds it now, as far as can be told; false when there is no such directory.
  static bool IsHeld(const OwnDir& run_dir);

  static constexpr std::chrono::seconds kRenewal{10};
  static constexpr std::chrono::seconds kStale{90};  // for holders on other machines

 private:
  RunLock(OwnDir locks, s3::UniqueFd file, std::uint64_t number, std::function<void()> on_lost);
  void Renew();

  const OwnDir locks_;
  const s3::UniqueFd file_;  // the one that was made, whatever has its name by now
  const std::uint64_t number_;
  const std::function<void()> on_lost_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quit_ = false;
  std::thread thread_;
};

}  // namespace pipeline
