#include "s3/base/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

extern char** environ;

namespace s3 {
namespace {

using Clock = std::chrono::steady_clock;

// The strings must outlive the list.
std::vector<char*> PointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void Connect(posix_spawn_file_actions_t* files, int ours, int theirs) {
  if (ours >= 0) {
    posix_spawn_file_actions_adddup2(files, ours, theirs);
  } else {
    posix_spawn_file_actions_addopen(files, theirs, "/dev/null", O_WRONLY, 0);
  }
}

// Does not reap the child, so that its process group keeps its number.
bool HasEnded(pid_t child) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return errno != EINTR;
  }
  return info.si_pid == child;
}

bool EndsInTime(pid_t child, Clock::time_point deadline, const std::stop_token& stop) {
  while (!HasEnded(child)) {
    if (stop.stop_requested() || Clock::now() >= deadline) return false;
    usleep(2'000);
  }
  return true;
}

}  // namespace

std::vector<std::string> EnvironmentList(const std::function<bool(std::string_view)>& keep) {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (keep(*entry)) list.emplace_back(*entry);
  }
  return list;
}

Result<pid_t> StartChild(const ChildProgram& program) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  Connect(&files, program.out, 1);
  Connect(&files, program.err, 2);
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);

  auto arguments = PointersTo(program.words);
  auto environment = PointersTo(program.environment);
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, arguments[0], &files, &attributes, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return Fail(ErrorKind::kLocal, fmt::format("cannot run {}: {}", program.words[0], std::strerror(error)));
  }
  return child;
}

std::string AwaitChild(pid_t child, const ChildLimits& limits) {
  // After the deadline, the child's own children may still run even if the child has ended.
  const bool in_time = Clock::now() < limits.deadline && EndsInTime(child, limits.deadline, limits.stop);
  if (!in_time) {
    if (limits.grace.count() > 0) {
      kill(-child, SIGTERM);
      (void)EndsInTime(child, Clock::now() + limits.grace, {});
    }
    kill(-child, SIGKILL);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::strerror(errno);
  }
  if (!in_time) return limits.stop.stop_requested() ? "was stopped" : "did not finish within the time limit";
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return fmt::format("ended with exit status {}", WEXITSTATUS(status));
  return "";
}

}  // namespace s3
