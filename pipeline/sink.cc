#include "pipeline/sink.h"

#include <fmt/format.h>

#include "pipeline/record.h"

namespace pipeline {

void Sink::Record(const ObjectResult& result) {
  summary_.Count(result);
  ++settled_;
  ++progress_->settled;
  if (result.outcome == Outcome::kFailed) ++progress_->failed;
  (void)journal_->Append(ResultLine(result));  // its first failure stops the run
  if (result.error && result.error->kind == s3::ErrorKind::kNoCredentials) {
    stop_->Drain(StopCause::kNoCredentials, result.error->message + ": run again with fresh ones");
  }
  if (result.error && result.outcome == Outcome::kFailed) StopIfHopeless(*result.error);
  if (result.outcome == Outcome::kFailed) StopAtLimit();
  // What refuses everybody is said once, at the end, and not for each object in flight.
  const bool said_at_the_end = refused_ && result.error && s3::RefusesWholeRun(result.error->kind);
  if (!said_at_the_end) console_->Settled(result);
}

void Sink::StopAtLimit() {
  const double share = static_cast<double>(summary_.failed) / static_cast<double>(settled_);
  if (summary_.failed >= failures_.count) {
    stop_->Drain(StopCause::kTooManyFailures,
                 fmt::format("{} inputs failed: limits.failures", summary_.failed));
  } else if (settled_ >= FailureLimit::kMinSettled && share > failures_.share) {
    stop_->Drain(StopCause::kTooManyFailures,
                 fmt::format("{:.1f} % of the inputs failed: limits.failures", 100 * share));
  }
}

void Sink::StopIfHopeless(const s3::Error& error) {
  if (error.kind == s3::ErrorKind::kAccessDenied) ++denials_;
  const bool denied = denials_ >= kDenialsBeforeStop && summary_.uploaded == 0;
  if (refused_ || !(denied || s3::RefusesWholeRun(error.kind))) return;
  refused_ = true;
  const auto code = error.code.empty() ? "" : fmt::format(" [{}]", error.code);
  stop_->Drain(StopCause::kRefused,
               fmt::format("the store refuses this run: {}{}", Printable(error.message), code));
}

}  // namespace pipeline
