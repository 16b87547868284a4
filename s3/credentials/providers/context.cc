#include "s3/credentials/providers/context.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>

#include "s3/transport/event_loop.h"

namespace s3 {
namespace {

using std::chrono::milliseconds;

// More bytes than any response has. As `stall_bytes` it turns the stall limit into a time limit for the whole
// exchange.
constexpr std::uint64_t kMoreThanAnyResponse = 1ull << 40;
constexpr milliseconds kPause{1'000};

void Sleep(milliseconds time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

HttpResponse SendOverHttp(const HttpRequest& request, const TransportOptions& options,
                          const ProviderContext& context) {
  HttpResponse response;
  BlockingWaiter waiter;
  EventLoop loop(options, 1);
  const std::stop_callback abort(context.stop, [&] { loop.Abort(); });
  TracingTransport traced(&loop, context.trace);
  waiter.Wait([&](Wake wake) { traced.Send(HttpRequest(request), &response, wake); });
  return response;
}

Result<HttpResponse> SendWithRetries(const ProviderContext& context, const HttpRequest& request,
                                     const TransportOptions& options, int attempts, std::string_view what) {
  for (int attempt = 1;; ++attempt) {
    auto response = context.send(request, options, context);
    const bool busy = response.status >= 500 || response.status == 429;
    if (!response.failure && !busy) return response;
    if (attempt == attempts || context.stop.stop_requested()) {
      if (response.failure) {
        return Fail(ErrorKind::kTransient, fmt::format("{}: {}", what, response.failure->message));
      }
      return Fail(ErrorKind::kTransient, fmt::format("{} returned HTTP {}", what, response.status));
    }
    Sleep(kPause, context.stop);
  }
}

TransportOptions ServiceTransport(const ProviderContext& context) {
  auto options = context.services;
  options.stall_window = milliseconds(30'000);
  options.stall_bytes = kMoreThanAnyResponse;
  return options;
}

TransportOptions MetadataTransport(milliseconds timeout) {
  TransportOptions options;
  options.connect_timeout = options.stall_window = timeout;
  options.stall_bytes = kMoreThanAnyResponse;
  options.proxy.from_environment = false;
  return options;
}

}  // namespace s3
