#include "pipeline/cli/commands/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdlib>
#include <utility>

#include "pipeline/cli/command_context.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/job_loading.h"
#include "pipeline/cli/output.h"
#include "pipeline/report/terminal.h"
#include "pipeline/runtime/client_factory.h"
#include "s3/client/probe_advice.h"
#include "s3/hash/hash.h"
#include "s3/stores/address.h"
#include "s3/stores/store_profiles.h"
#include "s3/transport/transport_choice.h"

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

void PrintTransport(const s3::TransportChoice& choice, std::string_view lead = "") {
  PrintRow(fmt::format("{}transport", lead), s3::NameOf(choice.kind),
           fmt::format("({}; libcurl {})", choice.reason, s3::CurlVersion()));
}

void PrintClock(std::chrono::seconds offset) {
  if (offset.count() == 0) return PrintRow("clock", "agrees");
  const auto* const direction = offset.count() > 0 ? "slow" : "fast";
  PrintRow("clock", fmt::format("{} s {}", std::abs(offset.count()), direction),
           "(this machine's clock, compared with the store's)");
}

void PrintReport(const config::Job& job, const StoreProbe& probe) {
  const auto& destination = job.s3.destination;
  const auto& report = probe.report;
  PrintRow("store", probe.host,
           fmt::format("bucket {}, profile {}{}{}", destination.bucket, s3::ProfileOf(destination).name,
                       report.server.empty() ? "" : ", server ", report.server));
  PrintTransport(probe.transport);
  PrintRow("credentials", probe.credentials);
  PrintRow("region", probe.region,
           probe.region == destination.region
               ? ""
               : "(the store's region; destination.region is " + destination.region + ")");
  if (report.clock_offset) PrintClock(*report.clock_offset);
  if (report.round_trip) {
    PrintRow("round trip", fmt::format("{:.2f} ms", static_cast<double>(report.round_trip->count()) / 1000));
  }
  for (const auto& row : report.rows) PrintRow(row.name, Word(row.outcome), row.detail);
  // The store refused these headers. The probe then sent its requests without them, as a run would.
  if (!probe.refused_headers.empty()) {
    PrintRow("headers", Word(s3::ProbeOutcome::kRefused),
             fmt::format("{}", fmt::join(probe.refused_headers, ", ")));
  }
}

// Returns the error of a probe whose first request the store refused. Such a probe has no report.
tl::unexpected<ExitError> Refused(const s3::Error& refusal, const s3::ProvidedCredentials& credentials,
                                  const CommandContext& context) {
  const auto code = refusal.code.empty() ? "" : refusal.code + ": ";
  const bool is_key_wrong = refusal.kind == s3::ErrorKind::kBadCredentials;
  const auto key = is_key_wrong ? fmt::format(" ({})", pipeline::DescribeKey(credentials)) : "";
  const auto status = s3::RefusesWholeRun(refusal.kind) ? pipeline::kExitRefused : pipeline::kExitSomeFailed;
  return Fail(context.StatusOr(status), context.ReasonOr(code + refusal.message + key));
}

// Tests what the store supports. Returns 0 if objects and parts can be uploaded, and 1 if parts cannot. Fails
// with 77 if the store refuses the credentials or the bucket.
CommandResult Probe(const config::Job& job) {
  const auto probe = ProbeStore(job, [](std::string_view text) { Say(fmt::format("note: {}", text)); });
  if (!probe) return tl::unexpected(probe.error());
  PrintReport(job, *probe);
  const auto integrity = s3::ResolveIntegrity(job.s3.integrity, job.s3.destination);
  for (const auto& advice : s3::AdviceOf(probe->report, integrity, s3::ProfileOf(job.s3.destination))) {
    Say(fmt::format("advice: {}", advice));
  }
  if (probe->report.left_behind) Say(fmt::format("could not be deleted from the store: {}", probe->key));
  const bool parts_work = probe->report.Find("multipart")->outcome == s3::ProbeOutcome::kWorks;
  return UnlessStdoutFailed(parts_work ? pipeline::kExitOk : pipeline::kExitSomeFailed);
}

}  // namespace

tl::expected<StoreProbe, ExitError> ProbeStore(const config::Job& job,
                                               const std::function<void(std::string_view)>& note) {
  CommandContext context;
  if (const auto opened = context.OpenTrace(job); !opened) return tl::unexpected(opened.error());
  const auto credentials = context.FetchCredentials(job);
  if (!credentials) return tl::unexpected(credentials.error());
  s3::BlockingWaiter waiter;
  pipeline::ClientFactory clients(job.s3, s3::ResolveBucket(job.s3.destination).value(), *credentials, {},
                                  context.stop(), context.trace(), note);
  const s3::ProbeContext probe{
      .client = [&](const s3::IntegrityOptions& integrity) { return clients.MakeClient(&waiter, integrity); },
      .integrity = s3::ResolveIntegrity(job.s3.integrity, job.s3.destination),
      .key = fmt::format("{}s3flow-probe-{}", job.s3.destination.prefix, s3::HexEncode(s3::RandomBytes(8))),
      .properties = job.pipeline.object.properties};
  auto report = s3::Probe(probe);
  if (report.refusal) return Refused(*report.refusal, credentials->first, context);
  const auto current = clients.facts().Current();
  return StoreProbe{.report = std::move(report),
                    .host = current->buckets.front().endpoint.HostAndPort(),
                    .region = current->region,
                    .transport = clients.transport(),
                    .refused_headers = current->refused_headers,
                    .credentials = credentials->first.source,
                    .key = probe.key};
}

CommandResult Check(const JobArguments& arguments) {
  const auto job = LoadJob(arguments);
  if (!job) return tl::unexpected(job.error());
  PrintNotes(*job);
  if (arguments.probe) return Probe(*job);
  pipeline::PrintLines(stdout, config::ShowJob(*job, /*with_sources=*/true));
  if (const auto buckets = s3::ResolveBucket(job->s3.destination)) {
    PrintTransport(s3::ChooseTransport(job->s3.transport, buckets->front().endpoint), "# ");
  }
  return UnlessStdoutFailed(pipeline::kExitOk);
}

}  // namespace cli
