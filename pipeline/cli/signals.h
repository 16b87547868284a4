// Signals become stops: the first drains, the second aborts. SIGHUP asks for the job's limits to be read
// anew.
#pragma once

#include <functional>
#include <thread>

#include "pipeline/stop.h"

namespace cli {

// Takes SIGINT, SIGTERM and SIGUSR1 over for the rest of the process: blocks them in the calling
// thread and all that it starts later, so that this thread is the only one that gets them.
class SignalThread {
 public:
  // To be made before any other thread. `stop` is not owned and must outlive this object. With `on_hangup`
  // SIGHUP is taken over, too, and calls it in this thread.
  explicit SignalThread(pipeline::StopControl* stop, std::function<void()> on_hangup = nullptr);
  ~SignalThread();

 private:
  void Listen(pipeline::StopControl* stop);

  const std::function<void()> on_hangup_;
  const int signals_;
  const int quit_;
  std::thread thread_;
};

}  // namespace cli
