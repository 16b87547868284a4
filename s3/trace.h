// A log of requests and answers without their bodies and without anything secret: what is shown is on a
// list, and all else is a name with its value redacted.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "s3/http.h"

namespace s3 {

// The texts of one exchange, each line of which begins with `lead`. The answer's body is asked for the
// error code only: the rest of it may hold anything.
std::string TraceOfRequest(const HttpRequest& request, std::string_view lead);
std::string TraceOfResponse(const HttpResponse& response, std::chrono::microseconds took,
                            std::string_view lead);

// The file, appended to. Thread-safe.
class TraceLog {
 public:
  // The file is readable by its owner only, from now on if it was there. kLocal when it cannot be written.
  static Result<std::unique_ptr<TraceLog>> Open(const std::string& path);

  // A number for an exchange.
  std::uint64_t NextNumber() { return ++number_; }
  void Write(std::string_view text);
  // What went wrong first; empty when all was written.
  std::string problem() const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit TraceLog(std::FILE* file) : file_(file) {}

  mutable std::mutex mutex_;
  std::unique_ptr<std::FILE, Close> file_;
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
