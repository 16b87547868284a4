// The way to the store that the parts of a command share: event loops, region and clock, credentials.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "pipeline/stop.h"
#include "s3/admission/admission_controller.h"
#include "s3/client/client.h"
#include "s3/credentials/credential_cache.h"
#include "s3/options.h"
#include "s3/stores/store_context.h"
#include "s3/transport/event_loop_group.h"
#include "s3/transport/trace.h"

namespace pipeline {

// What requests are signed with, and how to get fresh ones; without `renew` there are these only.
struct RunCredentials {
  s3::ProvidedCredentials first;
  s3::FetchCredentials renew = nullptr;
  s3::RenewalOptions renewal{};
};

// How much a command sends at once: connections that are kept, and threads that send.
struct Parallelism {
  int connections = 1;
  int event_loops = 1;
};

class ClientFactory {
 public:
  // Of commands that somebody waits for, and that have little to lose.
  static constexpr std::chrono::milliseconds kPatienceOfACheck{3000};

  // Neither `stop`, whose drain ends waits and whose abort ends requests, nor `trace` and `limits` are owned;
  // the latter two may be null. A store that is away or full for longer than `patience` (0: for ever) drains
  // the run. `note` is told what was learnt; it must not wait.
  ClientFactory(const s3::Options& options, std::vector<s3::BucketAddress> buckets,
                const RunCredentials& credentials, const Parallelism& parallelism, StopControl* stop,
                s3::TraceLog* trace, const std::function<void(std::string_view)>& note,
                const s3::RateLimits* limits = nullptr,
                std::chrono::milliseconds patience = kPatienceOfACheck);

  // `waiter` is not owned; `integrity` is resolved.
  std::unique_ptr<s3::Client> MakeClient(s3::Waiter* waiter, const s3::IntegrityOptions& integrity);
  // With the job's integrity.
  std::unique_ptr<s3::Client> MakeClient(s3::Waiter* waiter);

  // What sends and keeps time.
  s3::Transport& loops() { return loops_; }
  // Requests that were sent once more because they took far longer than their peers.
  std::uint64_t given_up() const { return loops_.cancelled_stragglers(); }
  const s3::AdmissionController& admission() const { return admission_; }
  const s3::StoreContextCache& facts() const { return facts_; }
  const s3::CredentialCache& credentials() const { return credentials_; }

 private:
  using StopCallback = std::stop_callback<std::function<void()>>;

  const s3::RetryOptions retry_;
  const s3::IntegrityOptions integrity_;
  const std::stop_token drain_;
  const s3::RateLimits no_limits_;
  s3::AdmissionController admission_;  // a sleep in a loop may call it
  s3::EventLoopGroup loops_;
  s3::TracingTransport transport_;
  s3::StoreContextCache facts_;
  s3::CredentialCache credentials_;
  const StopCallback on_drain_, on_abort_;
};

}  // namespace pipeline
