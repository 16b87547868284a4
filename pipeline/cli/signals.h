// Signals become stops: the first drains, the second aborts.
#pragma once

#include <thread>

#include "pipeline/stop.h"

namespace cli {

// Takes SIGINT, SIGTERM and SIGUSR1 over for the rest of the process: blocks them in the calling
// thread and all that it starts later, so that this thread is the only one that gets them.
class SignalThread {
 public:
  // To be made before any other thread. `stop` is not owned and must outlive this object.
  explicit SignalThread(pipeline::StopControl* stop);
  ~SignalThread();

 private:
  void Listen(pipeline::StopControl* stop);

  const int signals_;
  const int quit_;
  std::thread thread_;
};

}  // namespace cli
