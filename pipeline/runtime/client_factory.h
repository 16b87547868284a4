// Makes the clients of a command. They share the event loops, the admission controller, the facts about the
// store and the credentials.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/stop.h"
#include "s3/admission/admission_controller.h"
#include "s3/client/client.h"
#include "s3/client/latencies.h"
#include "s3/credentials/credential_cache.h"
#include "s3/options.h"
#include "s3/stores/store_context.h"
#include "s3/transport/event_loop_group.h"
#include "s3/transport/trace.h"
#include "s3/transport/transport_choice.h"

namespace pipeline {

// Credentials that sign requests, and how to renew them. If `renew` is null, `first` is never renewed.
struct RunCredentials {
  s3::ProvidedCredentials first;
  s3::FetchCredentials renew = nullptr;
  s3::RenewalOptions renewal{};
};

// Returns "access key ID AKID from SOURCE" for messages. A key ID is not a secret.
std::string DescribeKey(const s3::ProvidedCredentials& provided);

struct Parallelism {
  int connections = 1;  // the maximum number of connections that are kept open
  int event_loops = 1;  // the number of threads that send and receive
};

class ClientFactory {
 public:
  // The value of `patience` for commands such as `check`, whose user waits for the result.
  static constexpr std::chrono::milliseconds kInteractivePatience{3000};

  // A drain of `stop` ends all waits of the clients; an abort cancels their requests, too. If the store is
  // unreachable or full for longer than `patience` (0: no limit), the factory drains `stop`. `note` gets
  // messages for the user, on any thread, and must not block. `trace` and `limits` may be null. `stop`,
  // `trace` and `limits` are not owned and must outlive the factory.
  ClientFactory(const s3::Options& options, std::vector<s3::BucketAddress> buckets,
                const RunCredentials& credentials, const Parallelism& parallelism, StopControl* stop,
                s3::TraceLog* trace, const std::function<void(std::string_view)>& note,
                const s3::RateLimits* limits = nullptr,
                std::chrono::milliseconds patience = kInteractivePatience);

  // Returns a client whose calls wait in `waiter`. Precondition: `integrity` was resolved with
  // s3::ResolveIntegrity(). Does not own `waiter`. The client must not outlive the factory.
  std::unique_ptr<s3::Client> MakeClient(s3::Waiter* waiter, const s3::IntegrityOptions& integrity);
  // The same, with the integrity options of the job.
  std::unique_ptr<s3::Client> MakeClient(s3::Waiter* waiter);

  // Returns the event loops, which send requests and wake callers after a delay.
  s3::Transport& loops() { return loops_; }
  // Returns how many requests were cancelled and sent again because they took far longer than other requests
  // of the same size.
  std::uint64_t stragglers() const { return loops_.cancelled_stragglers(); }
  // Says which transport carries the requests.
  const s3::TransportChoice& transport() const { return choice_; }
  // Returns why requests wait for admission at the moment. Requests in flight do not count.
  s3::AdmissionController::Delay CurrentDelay() { return admission_.CurrentDelay(); }
  s3::SentBytes sent_bytes() const { return loops_.sent_bytes(); }
  const s3::AdmissionController& admission() const { return admission_; }
  const s3::StoreContextCache& facts() const { return facts_; }
  const s3::CredentialCache& credentials() const { return credentials_; }
  // Returns how long the store took to respond to requests of these clients.
  const s3::Latencies& latencies() const { return latencies_; }

 private:
  using StopCallback = std::stop_callback<std::function<void()>>;

  const s3::RetryOptions retry_;
  const s3::IntegrityOptions integrity_;
  const std::stop_token drain_;
  const s3::RateLimits no_limits_;
  s3::AdmissionController admission_;  // outlives loops_, whose timers call it
  const s3::TransportChoice choice_;
  s3::EventLoopGroup loops_;
  s3::TracingTransport transport_;
  s3::StoreContextCache facts_;
  s3::CredentialCache credentials_;
  s3::Latencies latencies_;
  const StopCallback on_drain_, on_abort_;
};

}  // namespace pipeline
