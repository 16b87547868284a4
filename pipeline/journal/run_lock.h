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
  // True if no thread of the process runs any more, even if its parent has not read its exit status yet (a
  // zombie). The kernel reports the same state for a process whose first thread has ended while others run.
  // Then the process has more than one thread, and this is false.
  bool has_ended = false;
};
ProcessState ParseProcessState(std::string_view stat);

// To acquire the lock, a process links its file to `locks/N`, where N is one more than the highest number
// there. link(2) lets exactly one process succeed, also on NFS and Lustre. The holder marks its file as
// released when it ends. A dead holder is recognised by its process ID if it ran on this machine since its
// boot. Otherwise it is recognised by the age of its file, which a living holder renews every kRenewal. The
// file of an earlier holder stays until there have been eight later ones. So a process that read the
// directory long ago cannot take a number that was used since.
class RunLock {
 public:
  // Never waits. Fails with kCancelled, and the holder in the message, if another process holds the lock.
  // Fails with kLocal if a system call fails, or a file there is not one of our locks. `on_lost` is called,
  // on a thread of the lock, when another process has taken the lock because it believed this one to be dead.
  // The caller must then stop writing to the directory.
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
