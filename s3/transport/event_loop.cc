#include "s3/transport/event_loop.h"

#include <exception>
#include <string>
#include <utility>

#include "s3/transport/curl/curl_loop.h"
#include "s3/transport/direct/direct_loop.h"

namespace s3 {
namespace {

std::unique_ptr<Engine> MakeEngine(const EngineSettings& settings) {
  return settings.options.kind == TransportKind::kLibcurl ? MakeCurlLoop(settings) : MakeDirectLoop(settings);
}

}  // namespace

EventLoop::EventLoop(const TransportOptions& options, int max_idle, std::size_t max_connecting, int loops)
    : engine_(MakeEngine({options, max_idle, max_connecting, loops})) {}

EventLoop::~EventLoop() = default;

// Must not throw, because the caller is suspended until its Wake.
void EventLoop::Send(HttpRequest&& request, HttpResponse* response, Wake wake) {
  try {
    engine_->Send(std::move(request), response, wake);
  } catch (const std::exception& error) {
    response->failure = Error{.kind = ErrorKind::kLocal,
                              .message = std::string("the request could not be made: ") + error.what()};
    wake();
  }
}

void EventLoop::WakeAfter(std::chrono::milliseconds delay, Wake wake) {
  try {
    engine_->WakeAfter(delay, wake);
  } catch (const std::exception&) {
    wake();  // no memory for the timer: to wake too early is better than never
  }
}

void EventLoop::CancelSleeps() { engine_->CancelSleeps(); }
void EventLoop::Abort() { engine_->Abort(); }
int EventLoop::in_flight() const { return engine_->in_flight(); }
std::uint64_t EventLoop::cancelled_stragglers() const { return engine_->cancelled_stragglers(); }
SentBytes EventLoop::sent_bytes() const { return engine_->sent_bytes(); }

}  // namespace s3
