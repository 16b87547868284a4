#include "s3/transport/exchange_base.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace s3 {

bool ExchangeBase::Accept(const HttpRequest& request, HttpResponse* response, Wake wake) {
  response_ = response;
  wake_ = wake;
  accepted_ = Clock::now();
  if (endpoint_ != request.endpoint) {
    endpoint_ = request.endpoint;
    origin_ = endpoint_.Url();
  }
  // Both transports come through here. So this check covers every value, wherever it comes from.
  if (const auto problem = HeadProblem(request)) {
    response_->failure =
        Error{.kind = ErrorKind::kPermanent, .message = "the request was not sent: " + *problem};
    return false;
  }
  needs_fresh_connection_ = request.fresh_connection;
  may_cancel_if_slow_ = request.give_up_when_slow;
  responds_late_ = request.responds_late;
  is_head_request_ = request.method == "HEAD";
  body_bytes_ = request.body_bytes();
  moved_bytes_ = moved_before_window_ = 0;
  return true;
}

// The loop read `now` before it handled the last byte, so its own delay counts as a wait for a worker.
void ExchangeBase::End(Clock::time_point now) {
  response_->took = std::max(now - accepted_, Clock::duration::zero());
  EnterState(SlotState::kWorkerQueue, now);
}

void ExchangeBase::ClearResponse() {
  began_early_ = false;
  response_began_ = Clock::time_point::max();
  response_->status = 0;
  response_->headers.Clear();
  response_->body.clear();
  response_->body_truncated = false;
}

bool ExchangeBase::IsOverdue(Clock::time_point now) const {
  return response_began_ < now && now - response_began_ > options_.response_timeout;
}

bool ExchangeBase::HasStalled(Clock::time_point now) {
  if (moved_bytes_ - moved_before_window_ >= options_.stall_bytes) {
    moved_before_window_ = moved_bytes_;
    stall_window_began_ = now;
  }
  return now - stall_window_began_ > stall_window();
}

std::chrono::milliseconds ExchangeBase::stall_window() const {
  const bool is_late = responds_late_ && sent_all();
  return is_late ? std::max(options_.stall_window, options_.completion_window) : options_.stall_window;
}

// A server may refuse a request before it has received the whole body. But it cannot store a body that it has
// not received, so a success that comes early is an error.
void ExchangeBase::Complete() {
  if (began_early_ && response_->status < 300)
    Fail(ErrorKind::kTransient, "the server reported success before the whole body was sent");
}

void ExchangeBase::Fail(ErrorKind kind, std::string_view what) {
  response_->failure = Error{.kind = kind, .message = fmt::format("{}: {}", endpoint_.HostAndPort(), what)};
}

void ExchangeBase::FailUnreadable(Error file_error) { response_->failure = std::move(file_error); }

void ExchangeBase::FailSlow() {
  response_->failure =
      Error{.kind = ErrorKind::kSlow, .message = "cancelled: far slower than other requests of similar size"};
}

void ExchangeBase::FailStalled() {
  response_->failure =
      Error{.kind = ErrorKind::kTransient,
            .message = fmt::format("network timeout: fewer than {} bytes moved to or from {} in {} ms",
                                   options_.stall_bytes, endpoint_.HostAndPort(), stall_window().count())};
}

void ExchangeBase::FailOverdue() {
  response_->failure = Error{
      .kind = ErrorKind::kTransient,
      .message = fmt::format("network timeout: {} did not end its response within {} ms after its first byte",
                             endpoint_.HostAndPort(), options_.response_timeout.count())};
}

void ExchangeBase::FailCancelled() {
  response_->failure =
      Error{.kind = ErrorKind::kCancelled, .message = "the run was stopped during the request"};
}

}  // namespace s3
