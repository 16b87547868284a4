// Shared by all commands that send requests: signals that stop the command, the request trace, credentials.
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
  // Takes over the signals, see SignalThread. Create it before any other thread. With `on_hangup`, SIGHUP
  // calls that function, on the signal thread, instead of ending the process.
  explicit CommandContext(std::function<void()> on_hangup = nullptr);

  // Opens the request trace if the job asks for one; then trace() is not null. Fails with exit status 74 if
  // the file cannot be written.
  tl::expected<void, ExitError> OpenTrace(const config::Job& job);

  // Fetches the credentials. Blocks until they are there or the command is stopped. Fails with exit status 77
  // if there are no credentials, or with the status of the stop. Call OpenTrace() first, because requests to
  // credential services are traced.
  tl::expected<pipeline::RunCredentials, ExitError> FetchCredentials(const config::Job& job);

  // Returns the exit status of the stop if the command was stopped, else `status`.
  pipeline::ExitStatus StatusOr(pipeline::ExitStatus status) const;

  // Returns the reason of the stop if the command was stopped because the store was unreachable or full for
  // too long. Otherwise returns `text`. (In the first case `text` would only be a consequence.)
  std::string ReasonOr(const std::string& text) const;

  pipeline::StopControl* stop() { return &stop_; }
  s3::TraceLog* trace() { return trace_.get(); }  // null for none

 private:
  pipeline::StopControl stop_;
  std::unique_ptr<s3::TraceLog> trace_;
  const SignalThread signals_;
};

}  // namespace cli
