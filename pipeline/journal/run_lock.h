// Lets one process at a time write to a run directory. The lock consists of files, because some file systems
// have no flock, and several machines may share a directory.
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
  // zombie). If only the first thread has ended, the kernel reports the same state letter, but more than one
  // thread; then has_ended is false.
  bool has_ended = false;
};
ProcessState ParseProcessState(std::string_view stat);

// To acquire the lock, a process links its file to `locks/N`, where N is one more than the highest number in
// `locks`. link(2) lets exactly one process succeed, also on NFS and Lustre. When the holder ends, it marks
// its file as released. If a holder ran on this machine since the last boot, its process ID tells whether it
// is dead. Otherwise the age of its file tells, because a living holder renews the file every kRenewal. The
// file of a holder stays until there have been eight later holders, so that a process that listed the
// directory some time ago cannot take a number that was used since.
class RunLock {
 public:
  // Never waits for the lock. If another process holds the lock, fails with kCancelled and names the holder
  // in the message. Fails with kLocal if a system call fails, or if a file in `locks` is not a lock of
  // s3flow. `on_lost` is called, on a thread of the lock, if another process has taken the lock because it
  // believed that this process was dead. The caller must then stop writing to the directory.
  static s3::Result<std::unique_ptr<RunLock>> Acquire(const OwnDir& run_dir, std::function<void()> on_lost);
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  ~RunLock();

  // Returns true if a process holds the lock, as far as this machine can tell. Returns false if there is no
  // lock. `now_s`: see OwnDir::FileSystemTime.
  static bool IsHeld(const OwnDir& run_dir, std::int64_t now_s);

  static constexpr std::chrono::seconds kRenewal{10};
  static constexpr std::chrono::seconds kStale{90};  // the age at which a lock of another machine is stale

 private:
  RunLock(OwnDir locks, s3::UniqueFd file, std::uint64_t number, std::function<void()> on_lost);
  std::optional<s3::PeriodicThread::Pause> Renew();

  const OwnDir locks_;
  const s3::UniqueFd file_;  // the file of this process, even if another file has its name by now
  const std::uint64_t number_;
  const std::function<void()> on_lost_;
  std::optional<s3::PeriodicThread> renewal_;
};

}  // namespace pipeline
