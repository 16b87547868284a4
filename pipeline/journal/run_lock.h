// Lets one process at a time write to a run directory: a lock made of files, for file systems without flock
// and directories that several machines share.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/fs/own_dir.h"
#include "s3/base/periodic_thread.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

// The facts about a process in /proc/PID/stat; see proc_pid_stat(5).
struct ProcessState {
  std::uint64_t start = 0;  // in clock ticks since the boot; 0: unknown
  // No thread of the process runs any more; its parent may not have read its exit status yet (a zombie). The
  // state of a process whose first thread has ended while others run is the same: then it has more than one
  // thread, and this is false.
  bool has_ended = false;
};
ProcessState ParseProcessState(std::string_view stat);

// To acquire the lock, a process links its file to `locks/N`, where N is one more than the highest number
// there. link(2) lets exactly one process succeed, also on NFS and Lustre. The holder marks its file as
// released when it ends. A holder that died is recognised by its process ID if it ran on this machine since
// its boot, else by the age of its file, which a holder renews every few seconds. A number that was taken
// over stays until it is eight holders old, so that a process that read the directory long ago cannot take a
// number that was used since.
class RunLock {
 public:
  // Never waits. kCancelled, naming the holder, if another process holds the lock; kLocal if the system
  // refuses, or a file there is not one of our locks. `on_lost` is called, in a thread of the lock, when
  // another process has taken the lock because it believed this one to be dead: write no more then.
  static s3::Result<std::unique_ptr<RunLock>> Acquire(const OwnDir& run_dir, std::function<void()> on_lost);
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  ~RunLock();

  // True if a process holds the lock, as far as this machine can tell. False if there is no lock.
  static bool IsHeld(const OwnDir& run_dir);

  static constexpr std::chrono::seconds kRenewal{10};
  static constexpr std::chrono::seconds kStale{90};  // for holders on other machines

 private:
  RunLock(OwnDir locks, s3::UniqueFd file, std::uint64_t number, std::function<void()> on_lost);
  std::optional<s3::PeriodicThread::Pause> Renew();

  const OwnDir locks_;
  const s3::UniqueFd file_;  // the file that this process made, even if its name is another file's by now
  const std::uint64_t number_;
  const std::function<void()> on_lost_;
  std::optional<s3::PeriodicThread> renewal_;
};

}  // namespace pipeline
