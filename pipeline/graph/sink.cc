#include "pipeline/graph/sink.h"

#include <fmt/format.h>

#include <utility>

#include "pipeline/journal/record.h"
#include "pipeline/report/format.h"

namespace pipeline {
namespace {

// Returns true if the error is probably not about this object, but about the caller or the bucket, or if the
// server is probably not an S3 store.
bool IsRefusal(const s3::Error& error) {
  const bool not_from_a_store =
      error.kind == s3::ErrorKind::kPermanent && error.http_status > 0 && error.code.empty();
  return s3::RefusesWholeRun(error.kind) || error.kind == s3::ErrorKind::kAccessDenied || not_from_a_store;
}

std::atomic<std::uint64_t>* CounterOf(Outcome outcome, Progress* progress) {
  switch (outcome) {
    case Outcome::kUploaded: return &progress->uploaded;
    case Outcome::kSkipped: return &progress->skipped;
    case Outcome::kFailed: return &progress->failed;
    case Outcome::kCancelled: return &progress->cancelled;
    case Outcome::kSent: return &progress->sent;
  }
  return &progress->failed;
}

void CountIn(Progress* progress, const ObjectResult& result) {
  ++progress->done;
  ++*CounterOf(result.outcome, progress);
  const bool is_stored = result.outcome == Outcome::kUploaded || result.outcome == Outcome::kSent;
  if (!is_stored && !result.file->is_stream) progress->left_out_bytes += BytesToUpload(*result.file);
}

}  // namespace

void Sink::Record(const ObjectResult& result) {
  summary_.Count(result);
  summary_.CountCause(result);
  ++recorded_;
  CountIn(progress_, result);
  (void)journal_->Append(ResultLine(result, detail_));  // at its first error, the journal stops the run
  if (result.error && result.error->kind == s3::ErrorKind::kNoCredentials) {
    stop_->Drain(StopCause::kNoCredentials, result.error->message + ": run again with new credentials");
  }
  const bool refused = result.outcome == Outcome::kFailed && result.error && IsRefusal(*result.error);
  if (refused) CountRefusal(result);
  if (result.outcome == Outcome::kFailed) StopAtFailureLimit();
  // If the store refuses the whole run, one message at the end is enough, so hold the results back.
  if (refused && nothing_succeeded()) {
    held_.push_back(result);
  } else {
    if (!nothing_succeeded()) ShowHeld();
    console_->Finish(result);
  }
}

void Sink::StopAtFailureLimit() {
  const double share = static_cast<double>(summary_.failed) / static_cast<double>(recorded_);
  if (summary_.failed >= failures_.count) {
    stop_->Drain(StopCause::kTooManyFailures, fmt::format("{} failed: limits.on_failure stops the run",
                                                          Counted(summary_.failed, "input", "inputs")));
  } else if (recorded_ >= FailureLimit::kMinDone && share > failures_.share) {
    stop_->Drain(StopCause::kTooManyFailures,
                 fmt::format("{:.1f} % of the inputs failed: limits.on_failure stops the run", 100 * share));
  }
}

void Sink::CountRefusal(const ObjectResult& result) {
  if (refusals_++ == 0) {
    const auto& error = *result.error;
    const auto code = error.code.empty() ? "" : fmt::format(" [{}]", error.code);
    first_refusal_ = fmt::format("the store refuses this run: {}{} (first input: {})",
                                 Printable(error.message), code, Printable(result.file->path));
  }
  if (refusals_ == kRefusalsBeforeStop && nothing_succeeded()) StopRefused();
}

void Sink::End(std::uint64_t done_before) {
  if (refusals_ > 0 && refusals_ == recorded_ && done_before == 0) StopRefused();
  if (stop_->cause() != StopCause::kRefused) ShowHeld();
}

void Sink::ShowHeld() {
  for (const auto& result : std::exchange(held_, {})) console_->Finish(result);
}

void Sink::StopRefused() { stop_->Drain(StopCause::kRefused, first_refusal_); }

}  // namespace pipeline
