// Signals become stops: the first drains, the second aborts.
#pragma once

#include <thread>

#include "pipeline/stop.h"

namespace cli {

// Blocks SIGINT, SIGTERM and SIGUSR1 in the calling thread and all that it starts later, and
// ignores SIGPIPE. Call first thing in main: the thread below then is the only one that gets them.
void TakeOverSignals();

class SignalThread {
 public:
  // `stop` is not owned and must outlive this object.
  explicit SignalThread(pipeline::StopControl* stop);
  ~SignalThread();

 private:
  void Listen(pipeline::StopControl* stop);

  const int signals_;
  const int quit_;
  std::thread thread_;
};

}  // namespace cli
