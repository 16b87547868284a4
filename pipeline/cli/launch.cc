#include "pipeline/cli/launch.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace cli {
namespace {

// SIGPIPE and SIGXFSZ are ignored, so that a write that cannot succeed fails with EPIPE or EFBIG. SIGCHLD is
// not ignored, because otherwise waitpid(2) returns no exit status (ECHILD). No signal stays blocked, because
// an inherited mask would block the signals that end a command. SIGINT, SIGTERM, SIGUSR1 and SIGHUP are not
// changed. SignalThread gets them even if they are ignored, because Linux never discards a blocked signal
// (kernel/signal.c, sig_ignored()).
void ResetSignals() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Raises the soft limit to the hard limit. Each file, connection and directory needs a descriptor, and the
// soft limit is often only 1,024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// Under RLIMIT_AS (ulimit -v), addresses run out first: by default a thread reserves 8 MiB for its stack, and
// 64 MiB for a heap of its own (mallopt(3), M_ARENA_MAX).
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

// A core dump would contain every secret. The limit is 1 byte, because with 0, Linux still pipes the dump to
// a program that core_pattern names (core(5), "Piping core dumps to a program").
void ForbidCoreDumps() {
  const rlimit limit{1, 1};
  setrlimit(RLIMIT_CORE, &limit);
}

// With a umask of 0777, s3flow could not open its own journal again.
void LetOwnerUseFiles() { umask(umask(S_IRWXU) & ~static_cast<mode_t>(S_IRWXU)); }

// ps(1) and pgrep(1) show this name. The portable bundle starts s3flow through its own dynamic linker, whose
// name they would show.
void SetName() { prctl(PR_SET_NAME, "s3flow"); }

}  // namespace

// open(2) returns the lowest free number. O_PATH of "/" works in every process, even without /dev/null.
void HoldStandardDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) open("/", O_PATH);
  }
}

void PrepareProcess() {
  HoldStandardDescriptors();
  SetName();
  ResetSignals();
  RaiseDescriptorLimit();
  ReserveLessUnderAddressLimit();
  ForbidCoreDumps();
  LetOwnerUseFiles();
}

}  // namespace cli
