// Stops a command on a signal: the first one drains it, the second one aborts it. On SIGHUP a run reads its
// limits again.
#pragma once

#include <functional>
#include <thread>

#include "pipeline/stop.h"

namespace cli {

// Takes over SIGINT, SIGTERM and SIGUSR1 for the rest of the process: blocks them in the calling thread and
// in all threads that it starts later, so that only the thread of this object gets them.
class SignalThread {
 public:
  // Create it before any other thread. `stop` is not owned and must outlive this object. With `on_hangup`,
  // SIGHUP is taken over, too, and calls `on_hangup` on the object's thread.
  explicit SignalThread(pipeline::StopControl* stop, std::function<void()> on_hangup = nullptr);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  void Listen(pipeline::StopControl* stop);

  const std::function<void()> on_hangup_;
  const int signals_;
  const int quit_;
  std::thread thread_;
};

}  // namespace cli
