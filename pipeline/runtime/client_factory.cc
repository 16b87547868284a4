#include "pipeline/runtime/client_factory.h"

#include <fmt/format.h>

#include "s3/base/printable.h"
#include "s3/stores/store_profiles.h"

namespace pipeline {
namespace {

// If the store has not responded after this time, a note tells the user.
constexpr std::chrono::milliseconds kSilence{1500};

s3::TransportOptions With(s3::TransportOptions options, s3::TransportKind kind) {
  options.kind = kind;
  return options;
}

}  // namespace

std::string DescribeKey(const s3::ProvidedCredentials& provided) {
  return fmt::format("access key ID {} from {}", s3::Printable(provided.credentials.access_key_id),
                     s3::Printable(provided.source));
}

ClientFactory::ClientFactory(const s3::Options& options, std::vector<s3::BucketAddress> buckets,
                             const RunCredentials& credentials, const Parallelism& parallelism,
                             StopControl* stop, s3::TraceLog* trace,
                             const std::function<void(std::string_view)>& note, const s3::RateLimits* limits,
                             std::chrono::milliseconds patience)
    : retry_(options.retry),
      integrity_(s3::ResolveIntegrity(options.integrity, options.destination)),
      drain_(stop->drain_token()),
      admission_(
          limits != nullptr ? limits : &no_limits_,
          {.notice = note,
           .give_up = [stop](std::string why) { stop->Drain(StopCause::kStoreUnreachable, std::move(why)); },
           .patience = patience,
           .opens_on_first_failure = true}),
      choice_(s3::ChooseTransport(options.transport, buckets.front().endpoint)),
      loops_(With(options.transport, choice_.kind), parallelism.event_loops, parallelism.connections),
      transport_(&loops_, trace),
      facts_(options.destination, std::move(buckets), note),
      credentials_(credentials.first, credentials.renew, credentials.renewal, note),
      on_drain_(stop->drain_token(),
                [this] {
                  admission_.Cancel();
                  loops_.CancelSleeps();
                  credentials_.Cancel();
                }),
      on_abort_(stop->abort_token(), [this] { loops_.Abort(); }) {
  loops_.WakeAfter(
      kSilence, {[](void* admission) { static_cast<s3::AdmissionController*>(admission)->NoticeIfSilent(); },
                 &admission_});
}

std::unique_ptr<s3::Client> ClientFactory::MakeClient(s3::Waiter* waiter,
                                                      const s3::IntegrityOptions& integrity) {
  return std::make_unique<s3::Client>(&facts_, &credentials_, &admission_, retry_, integrity, &transport_,
                                      waiter, drain_, &latencies_);
}

std::unique_ptr<s3::Client> ClientFactory::MakeClient(s3::Waiter* waiter) {
  return MakeClient(waiter, integrity_);
}

}  // namespace pipeline
