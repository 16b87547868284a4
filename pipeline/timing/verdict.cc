#include "pipeline/timing/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace pipeline {
namespace {

using s3::SlotState;
using SlotSeconds = s3::BySlotState<double>;

// A cause of waiting, and how to say it.
struct Cause {
  std::string_view limit;
  std::string_view by;      // "Limited by ..."
  std::string_view phrase;  // "waiting for ..."
  std::string_view share;   // "87 % of slot time ..."
};
constexpr std::array<Cause, 14> kCauses{{
    {"store", "the store", "the store", "waited for its responses"},
    {"network", "the network, or by a store that reads slowly", "the network", "went into sending"},
    {"connecting", "connecting", "connections", "waited for new connections"},
    {"source", "the source", "the source", "waited for files to be found, or for bytes of a stream"},
    {"reading", "reading", "reads of files", "went into opening and reading files"},
    {"cpu", "the CPU", "the CPU", "went into hashing and other computation"},
    {"memory", "limits.memory", "limits.memory", "waited for memory"},
    {"bandwidth", "limits.bandwidth", "limits.bandwidth", "waited for this limit"},
    {"request_rate", "limits.requests_per_second", "limits.requests_per_second", "waited for this limit"},
    {"throttling", "throttling", "the store, which asks for fewer requests",
     "waited because the store asked for fewer requests"},
    {"outage", "an outage of the store", "the store, which does not answer", "waited for it to come back"},
    {"retries", "retries", "retries", "went into the delays before retries"},
    {"siblings", "work that is shared", "uploads to be created",
     "waited for an upload to be created or for new credentials"},
    {"journal", "the run directory", "the run directory", "waited until records were written to it"},
}};
constexpr double kMinShare = 0.5, kMinLead = 2, kMinSeconds = 0.2;

struct Share {
  const Cause* cause;
  double share = 0;  // of the time in `all`
};

// The shares of the causes, the largest first, and the slot-seconds of all.
struct Shares {
  std::array<Share, kCauses.size()> shares;
  double all = 0;

  const Share& first() const { return shares[0]; }
  bool has_single_cause() const {
    return all > 0 && first().share >= kMinShare && first().share >= kMinLead * shares[1].share;
  }
};

// A task that waits for a worker waits for what the workers do: they compute, or they are blocked in reads.
// While all cores are busy, reads are not blocked: they cost CPU time, too.
Shares SharesOf(const SlotSeconds& in, double busy_share) {
  constexpr double kBusy = 0.8;
  const auto seconds = [&in](SlotState state) { return std::max(in[state], 0.0); };
  const double running = seconds(SlotState::kCpu) + seconds(SlotState::kReading);
  const bool may_block = running > 0 && busy_share < kBusy;
  const double reads = may_block ? seconds(SlotState::kReading) / running : 0;
  const double queued = seconds(SlotState::kWorkerQueue);
  const std::array<double, kCauses.size()> by_cause = {
      seconds(SlotState::kFirstByte) + seconds(SlotState::kReceiving),
      seconds(SlotState::kSending),
      seconds(SlotState::kConnecting),
      seconds(SlotState::kSource) + seconds(SlotState::kStream),
      reads * (running + queued),
      (1 - reads) * (running + queued),
      seconds(SlotState::kMemory),
      seconds(SlotState::kBandwidth),
      seconds(SlotState::kRequestRate),
      seconds(SlotState::kThrottling),
      seconds(SlotState::kOutage),
      seconds(SlotState::kBackoff),
      seconds(SlotState::kSibling),
      seconds(SlotState::kJournal)};
  Shares shares;
  for (const double value : by_cause) shares.all += value;
  for (std::size_t i = 0; i < kCauses.size(); ++i) {
    shares.shares[i] = {&kCauses[i], shares.all > 0 ? by_cause[i] / shares.all : 0};
  }
  std::stable_sort(shares.shares.begin(), shares.shares.end(),
                   [](const Share& a, const Share& b) { return a.share > b.share; });
  return shares;
}

double AverageInFlight(const Evidence& evidence) {
  double sum = 0;
  for (const auto state :
       {SlotState::kConnecting, SlotState::kSending, SlotState::kFirstByte, SlotState::kReceiving}) {
    sum += evidence.slot_seconds[state];
  }
  return sum / evidence.seconds;
}

double AverageInUse(const Evidence& evidence) {
  double sum = 0;
  for (const double seconds : evidence.slot_seconds.values) sum += seconds;
  const double free = evidence.slot_seconds[SlotState::kSource] + evidence.slot_seconds[SlotState::kFinished];
  return (sum - free) / evidence.seconds;
}

double BusyShare(const Evidence& evidence) {
  return evidence.cpu_seconds / (evidence.cores * evidence.seconds);
}

// Returns true if more slots would probably help: nearly all were in use all the time, and the store was not
// busy. If it is busy, requests queue there, and responses take far longer than the first ones, which met no
// queue. Requests that timed out or failed have no latency. If they took most of the time, more slots would
// not help.
bool LacksSlots(const Evidence& evidence) {
  constexpr double kNearlyAll = 0.9, kQueueing = 3, kMinExplained = 0.5;
  if (evidence.max_slots == 0 || AverageInUse(evidence) < kNearlyAll * evidence.max_slots) return false;
  const auto& latency = evidence.latency;
  if (!latency || latency->count < static_cast<std::uint64_t>(evidence.max_slots)) return false;
  const double waited_s =
      evidence.slot_seconds[SlotState::kFirstByte] + evidence.slot_seconds[SlotState::kReceiving];
  const double explained_s = static_cast<double>(latency->count) * latency->p50_ms / 1000;
  return explained_s >= kMinExplained * waited_s && latency->p50_ms <= kQueueing * latency->min_ms;
}

// Event loops that lack CPU time receive late, so slots that wait for the network may wait for the CPU.
bool MayWaitForCpu(std::string_view limit, double busy_share) {
  constexpr double kSaturated = 0.9;
  return busy_share >= kSaturated && (limit == "store" || limit == "network" || limit == "connecting");
}

std::string Percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::string Millis(double ms) {
  return ms < 1000 ? fmt::format("{:.3g} ms", ms) : fmt::format("{:.0f} ms", ms);
}

std::string LatencyText(const Evidence& evidence) {
  if (!evidence.latency) return "";
  return fmt::format(" (p50 {}, p99 {})", Millis(evidence.latency->p50_ms), Millis(evidence.latency->p99_ms));
}

std::string CoresText(const Evidence& evidence) {
  return fmt::format("{:.1f} of {} cores busy", evidence.cpu_seconds / evidence.seconds, evidence.cores);
}

// Returns further evidence for the cause; begins with a space or a semicolon, unless empty.
std::string DetailOf(std::string_view limit, const Evidence& evidence) {
  if (limit == "store") {
    return fmt::format("{}; {:.0f} of at most {} in flight", LatencyText(evidence), AverageInFlight(evidence),
                       evidence.max_slots);
  }
  if (limit == "cpu") return "; " + CoresText(evidence);
  return "";
}

std::string MixedText(const Shares& shares) {
  std::string text = "No single limit: slot time went to";
  for (std::size_t i = 0; i < 3 && shares.shares[i].share >= 0.05; ++i) {
    text += fmt::format("{} {} {}", i == 0 ? "" : ",", shares.shares[i].cause->by,
                        Percent(shares.shares[i].share));
  }
  return text;
}

}  // namespace

Verdict VerdictOf(const Evidence& evidence) {
  if (evidence.seconds < kMinSeconds) return {};
  const auto shares = SharesOf(evidence.slot_seconds, BusyShare(evidence));
  if (shares.all <= 0) return {};
  if (!shares.has_single_cause()) return {"none", MixedText(shares)};
  const auto& [limit, by, phrase, words] = *shares.first().cause;
  const auto share = Percent(shares.first().share);
  if (MayWaitForCpu(limit, BusyShare(evidence))) return {"cpu", "Limited by the CPU: " + CoresText(evidence)};
  if (limit == "store" && LacksSlots(evidence)) {
    return {"concurrency",
            fmt::format("Limited by {}: all {} slots in use, {} of their time waiting for the store{}",
                        evidence.slot_limit, evidence.max_slots, share, LatencyText(evidence))};
  }
  return {limit,
          fmt::format("Limited by {}: {} of slot time {}{}", by, share, words, DetailOf(limit, evidence))};
}

std::string_view PhraseOf(std::string_view limit) {
  const auto* const found =
      std::find_if(kCauses.begin(), kCauses.end(), [&](const Cause& cause) { return cause.limit == limit; });
  return found != kCauses.end() ? found->phrase : "";
}

std::string_view LimitOf(const SlotSeconds& slot_seconds, double busy_share) {
  const auto shares = SharesOf(slot_seconds, busy_share);
  if (!shares.has_single_cause()) return "";
  const auto limit = shares.first().cause->limit;
  return MayWaitForCpu(limit, busy_share) ? "cpu" : limit;
}

}  // namespace pipeline
