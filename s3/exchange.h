// One libcurl easy handle and the exchange it carries; part of the event loop.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "s3/http.h"
#include "s3/options.h"

namespace s3 {

// Reused from exchange to exchange: a handle keeps its options, buffers and string capacity.
// Configured by the caller's thread before it is handed over, then used by the loop's thread only.
class Exchange {
 public:
  using Clock = std::chrono::steady_clock;

  // Throws std::bad_alloc when libcurl has no memory.
  explicit Exchange(const TransportOptions& options);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void Prepare(const HttpRequest& request, HttpResponse* response, Wake wake);

  // Starts the stall guard's clock.
  void Begin(Clock::time_point now) { began_ = guard_since_ = now; }
  Clock::duration Age(Clock::time_point now) const { return now - began_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  bool may_be_given_up() const { return may_be_given_up_; }

  // True when fewer than stall_bytes moved since `stall_window` ago.
  bool HasStalled(Clock::time_point now);

  // Each records how the exchange ended; the waker is called after one of them.
  void Finish(CURLcode code);
  void FinishSlow();
  void FinishStalled();
  void FinishCancelled();
  Wake Done() const { return wake_; }

  CURL* easy() const { return easy_.get(); }

 private:
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnRead(char* data, std::size_t size, std::size_t count, void* self);
  static int OnSeek(void* self, curl_off_t offset, int origin);
  void SetTls(const TlsOptions& tls);
  void SetProxy(const ProxyOptions& proxy);
  void SetMethod(const HttpRequest& request);
  void SetBody(const HttpRequest& request);
  void SetHeaderList(const HttpRequest& request);
  void SetTarget(const HttpRequest& request);
  std::int64_t BytesMoved() const;
  Error TransportError(CURLcode code) const;

  const TransportOptions options_;
  std::unique_ptr<CURL, void (*)(CURL*)> easy_;
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers_;
  const bool headers_with_target_;  // see SetTarget
  std::string url_, new_url_, method_, target_;
  std::string host_and_port_;
  char error_text_[CURL_ERROR_SIZE] = {};
  std::vector<std::string_view> pieces_;  // what OnRead gives, from the piece and byte below on
  std::size_t piece_ = 0, piece_offset_ = 0;
  HttpResponse* response_ = nullptr;
  Wake wake_;
  bool headers_complete_ = false;
  std::uint64_t body_bytes_ = 0;
  bool may_be_given_up_ = false;
  Clock::time_point began_{}, guard_since_{};
  std::int64_t guard_bytes_ = 0;
};

}  // namespace s3
