// A log of requests and answers without their bodies and without anything secret: what is shown is on a
// list, and all else is a name with its value redacted.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "s3/base/unique_fd.h"
#include "s3/http.h"

namespace s3 {

// The texts of one exchange, each line of which begins with `lead`. The answer's body is asked for the
// error code only: the rest of it may hold anything.
std::string TraceOfRequest(const HttpRequest& request, std::string_view lead);
std::string TraceOfResponse(const HttpResponse& response, std::chrono::microseconds took,
                            std::string_view lead);

// Appends to a file. Thread-safe.
class TraceLog {
 public:
  explicit TraceLog(UniqueFd file) : file_(std::move(file)) {}

  // A number for an exchange.
  std::uint64_t NextNumber() { return ++number_; }
  void Write(std::string_view text);
  // What went wrong first; empty when all was written.
  std::string problem() const;

 private:
  mutable std::mutex mutex_;
  const UniqueFd file_;
  std::string problem_;
  std::atomic<std::uint64_t> number_{0};
};

// Writes down what passes. Neither `inner` nor `log` is owned; without a log, nothing but `inner`.
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
