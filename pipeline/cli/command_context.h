// What the commands share that send requests: signals that stop them, the request trace, credentials.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/job.h"
#include "pipeline/cli/exit_error.h"
#include "pipeline/cli/signals.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/stop.h"
#include "s3/transport/trace.h"

namespace cli {

class CommandContext {
 public:
  // Takes over the signals, see SignalThread: make it before any other thread. With `on_hangup`, SIGHUP calls
  // that instead of ending the process.
  explicit CommandContext(std::function<void()> on_hangup = nullptr);

  // Opens the job's request trace, if it wants one: then trace() is not null. 74 if the file cannot be
  // written.
  tl::expected<void, ExitError> OpenTrace(const config::Job& job);

  // Blocks, until a stop at the latest. Without credentials: 77, or the status of the stop. Requests to
  // credential services are traced, so call OpenTrace before.
  tl::expected<pipeline::RunCredentials, ExitError> FetchCredentials(const config::Job& job);

  // Returns the exit status of the stop if the command was stopped, else `status`.
  pipeline::ExitStatus StatusOr(pipeline::ExitStatus status) const;

  // Returns `text`; but if the command was stopped because the store was away or full for too long, returns
  // that reason: `text` is then only its consequence.
  std::string ReasonOr(const std::string& text) const;

  pipeline::StopControl* stop() { return &stop_; }
  s3::TraceLog* trace() { return trace_.get(); }  // null for none

 private:
  pipeline::StopControl stop_;
  std::unique_ptr<s3::TraceLog> trace_;
  const SignalThread signals_;
};

}  // namespace cli
