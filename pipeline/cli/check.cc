#include <fmt/format.h>

#include <cstdlib>

#include "pipeline/cli/common.h"
#include "pipeline/cli/provide.h"
#include "pipeline/cli/signals.h"
#include "pipeline/runtime/client_factory.h"
#include "s3/client/probe.h"
#include "s3/hash/hash.h"
#include "s3/stores/address.h"
#include "s3/stores/store_profiles.h"

namespace cli {
namespace {

std::string_view Word(s3::ProbeOutcome outcome) {
  switch (outcome) {
    case s3::ProbeOutcome::kWorks: return "works";
    case s3::ProbeOutcome::kChecked: return "checked";
    case s3::ProbeOutcome::kIgnored: return "ignored";
    case s3::ProbeOutcome::kRefused: return "refused";
  }
  return "";
}

void PrintRow(std::string_view name, std::string_view value, std::string_view detail = "") {
  if (detail.empty()) return Say(fmt::format("{:<20} {}", name, value));
  Say(fmt::format("{:<20} {:<9}  {}", name, value, detail));
}

void PrintReport(const config::Job& job, const s3::ProbeReport& report, const s3::StoreContextCache& facts,
                 const std::string& credentials) {
  const auto& destination = job.s3.destination;
  const auto current = facts.Current();
  PrintRow("store", current->buckets.front().endpoint.HostAndPort(),
           fmt::format("bucket {}, profile {}{}{}", destination.bucket, s3::ProfileOf(destination).name,
                       report.server.empty() ? "" : ", says it is ", report.server));
  PrintRow("credentials", credentials);
  PrintRow("region", current->region,
           current->region == destination.region
               ? ""
               : "(the store's; destination.region says " + destination.region + ")");
  if (report.clock_offset) {
    const auto seconds = report.clock_offset->count();
    PrintRow(
        "clock",
        seconds == 0 ? "agrees" : fmt::format("{} s {}", std::abs(seconds), seconds > 0 ? "slow" : "fast"),
        seconds == 0 ? "" : "(this machine's, by the store's)");
  }
  if (report.round_trip) {
    PrintRow("round trip", fmt::format("{:.2f} ms", static_cast<double>(report.round_trip->count()) / 1000));
  }
  for (const auto& row : report.rows) PrintRow(row.name, Word(row.outcome), row.detail);
  // The probe's requests went without them, as a run's would.
  if (!current->refused_headers.empty())
    PrintRow("headers", Word(s3::ProbeOutcome::kRefused),
             fmt::format("{}", fmt::join(current->refused_headers, ", ")));
}

// Asks the store what it takes: 0 if objects and parts can be uploaded, 77 if it refuses the credentials or
// the bucket.
pipeline::ExitStatus Probe(const config::Job& job) {
  const auto trace = OpenTrace(job);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&trace)) return *status;
  auto* const log = std::get<0>(trace).get();
  pipeline::StopControl stop;
  const SignalThread signals(&stop);
  const auto provided = ProvideCredentials(job, log, stop.drain_token());
  if (!provided) {
    PrintError(provided.error().message);
    return stop.cause() ? pipeline::ExitStatusOf({}, stop.cause(), false) : pipeline::kExitRefused;
  }
  const auto note = [](std::string_view text) { Say(fmt::format("note: {}", text)); };
  s3::BlockingWaiter waiter;
  pipeline::ClientFactory store(job.s3, s3::ResolveBucket(job.s3.destination).value(), *provided, {}, &stop,
                                log, note);
  const s3::ProbeContext context{
      .client = [&](const s3::IntegrityOptions& integrity) { return store.MakeClient(&waiter, integrity); },
      .integrity = s3::ResolveIntegrity(job.s3.integrity, job.s3.destination),
      .key = fmt::format("{}s3flow-probe-{}", job.s3.destination.prefix, s3::HexEncode(s3::RandomBytes(8))),
      .properties = job.pipeline.object.properties};
  const auto report = s3::Probe(context);
  if (report.refusal) {
    PrintError(stop, fmt::format("{}{}", report.refusal->code.empty() ? "" : report.refusal->code + ": ",
                                 report.refusal->message));
    if (stop.cause()) return pipeline::ExitStatusOf({}, stop.cause(), false);
    return s3::RefusesWholeRun(report.refusal->kind) ? pipeline::kExitRefused : pipeline::kExitSomeFailed;
  }
  PrintReport(job, report, store.facts(), provided->first.source);
  const auto& profile = s3::ProfileOf(job.s3.destination);
  for (const auto& advice : s3::AdviceOf(report, context.integrity, profile))
    Say(fmt::format("advice: {}", advice));
  if (report.left_behind) Say(fmt::format("left behind: {}", context.key));
  const auto* multipart = report.Find("multipart");
  return multipart->outcome == s3::ProbeOutcome::kWorks ? pipeline::kExitOk : pipeline::kExitSomeFailed;
}

}  // namespace

pipeline::ExitStatus Check(const JobArguments& arguments) {
  const auto loaded = LoadJob(arguments);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  const auto& job = std::get<config::Job>(loaded);
  PrintNotes(job);
  if (arguments.probe) return WithText(Probe(job));
  pipeline::PrintLines(stdout, config::ShowJob(job, /*with_sources=*/true));
  return WithText(pipeline::kExitOk);
}

}  // namespace cli
