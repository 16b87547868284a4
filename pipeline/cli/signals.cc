#include "pipeline/cli/signals.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace cli {
namespace {

sigset_t Signals(bool with_hangup) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&set, number);
  if (with_hangup) sigaddset(&set, SIGHUP);
  return set;
}

int CheckedFd(int fd, const char* call) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), call);
  return fd;
}

int TakeOverSignals(bool with_hangup) {
  const auto set = Signals(with_hangup);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return CheckedFd(signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
}

}  // namespace

SignalThread::SignalThread(pipeline::StopControl* stop, std::function<void()> on_hangup)
    : on_hangup_(std::move(on_hangup)),
      signals_(TakeOverSignals(on_hangup_ != nullptr)),
      quit_(CheckedFd(eventfd(0, EFD_CLOEXEC), "eventfd")),
      thread_([this, stop] { Listen(stop); }) {}

SignalThread::~SignalThread() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(quit_, &one, sizeof one);
  thread_.join();
  close(quit_);
  close(signals_);
}

void SignalThread::Listen(pipeline::StopControl* stop) {
  bool draining = false;
  for (;;) {
    pollfd fds[] = {{signals_, POLLIN, 0}, {quit_, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info;
    if (fds[0].revents == 0 || read(signals_, &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo == SIGHUP) {
      on_hangup_();
      continue;
    }
    if (draining) {
      stop->Abort();
      continue;
    }
    draining = true;
    const int number = static_cast<int>(info.ssi_signo);
    stop->Drain(number == SIGINT ? pipeline::StopCause::kInterrupt : pipeline::StopCause::kTerminate,
                fmt::format("got SIG{}", sigabbrev_np(number)));
  }
}

}  // namespace cli
