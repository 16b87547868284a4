// A log of requests and responses, without bodies and without secrets. An allow-list names the headers and
// query parameters whose values are shown. For all others only the name is shown.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "s3/base/mutex.h"
#include "s3/base/unique_fd.h"
#include "s3/http.h"

namespace s3 {

// Return the trace of one request or response. Each line begins with `lead`. A response's body may contain
// secrets, so only its error code is shown.
std::string TraceOfRequest(const HttpRequest& request, std::string_view lead);
std::string TraceOfResponse(const HttpResponse& response, std::chrono::microseconds took,
                            std::string_view lead);

// A file to which the trace is appended. Thread-safe.
class TraceLog {
 public:
  explicit TraceLog(UniqueFd file) : file_(std::move(file)) {}

  // Returns the number of the next exchange, from 1.
  std::uint64_t NextNumber() { return ++number_; }
  void Write(std::string_view text);
  // Returns the first write error; empty if there was none.
  std::string problem() const;

 private:
  mutable Mutex mutex_;
  const UniqueFd file_;
  std::string problem_ S3_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> number_{0};
};

// Sends through `inner` and writes each exchange to `log`. Owns neither of them. If `log` is null, writes no
// trace.
class TracingTransport final : public Transport {
 public:
  TracingTransport(Transport* inner, TraceLog* log) : inner_(inner), log_(log) {}

  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override;
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override { inner_->WakeAfter(delay, wake); }
  void CancelSleeps() override { inner_->CancelSleeps(); }
  void Abort() override { inner_->Abort(); }

 private:
  Transport* const inner_;
  TraceLog* const log_;
};

}  // namespace s3
