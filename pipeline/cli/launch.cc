#include "pipeline/cli/launch.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace cli {
namespace {

// SIGPIPE and SIGXFSZ: a write that cannot succeed then says so by EPIPE or EFBIG.
// SIGCHLD: where it is ignored, waitpid(2) has no exit status to give (ECHILD).
// A mask that the launcher blocked would keep away the signals that end a command.
// SIGINT, SIGTERM, SIGUSR1 and SIGHUP stay as they are: SignalThread gets them even where they are ignored,
// since a blocked signal is never discarded (Linux, kernel/signal.c, sig_ignored()).
void TakeKnownSignals() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Files, connections and directories each take a descriptor; the soft limit often is 1,024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// Under RLIMIT_AS (ulimit -v) addresses are what runs out first: by default a thread reserves 8 MiB for its
// stack, and 64 MiB more for a heap of its own (mallopt(3), M_ARENA_MAX).
void ReserveLessUnderAddressLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  mallopt(M_ARENA_MAX, 1);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

// A core dump would hold every secret. One byte, and not none: with none, Linux still feeds a program
// that core_pattern names (core(5), "Piping core dumps to a program").
void ForbidCoreDumps() {
  const rlimit limit{1, 1};
  setrlimit(RLIMIT_CORE, &limit);
}

// A mask of 0777 would make a journal that its own writer cannot open again.
void LetOwnerUseFiles() { umask(umask(S_IRWXU) & ~static_cast<mode_t>(S_IRWXU)); }

}  // namespace

// open(2) takes the lowest number that is free. O_PATH opens what every process has, even where there is no
// /dev/null.
void HoldStandardDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) open("/", O_PATH);
  }
}

void PrepareProcess() {
  HoldStandardDescriptors();
  TakeKnownSignals();
  RaiseDescriptorLimit();
  ReserveLessUnderAddressLimit();
  ForbidCoreDumps();
  LetOwnerUseFiles();
}

}  // namespace cli
