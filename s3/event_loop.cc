#include "s3/event_loop.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <vector>

#include "s3/exchange.h"
#include "s3/stragglers.h"

namespace s3 {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

int CheckedFd(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

void InitialiseCurlOnce() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
}

}  // namespace

// Requests come in under a mutex and an eventfd; everything else belongs to the loop's thread.
class EventLoop::Loop {
 public:
  Loop(const TransportOptions& options, int max_connections)
      : options_(options),
        epoll_(CheckedFd(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        event_(CheckedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
        multi_(curl_multi_init()) {
    if (multi_ == nullptr) throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Loop::OnSocket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Loop::OnTimer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(max_connections));
    epoll_event event{.events = EPOLLIN, .data = {.fd = event_}};
    CheckedFd(epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event), "epoll_ctl");
    thread_ = std::thread([this] { Run(); });
  }

  ~Loop() {
    {
      std::lock_guard lock(mutex_);
      quit_ = true;
    }
    Notify();
    thread_.join();
    idle_.clear();
    curl_multi_cleanup(multi_);
    close(event_);
    close(epoll_);
  }

  // Takes an idle exchange or makes one; configuring it is the caller's work, not the loop's.
  void Send(const HttpRequest& request, HttpResponse* response, Wake wake) {
    std::unique_ptr<Exchange> exchange;
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        exchange = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!exchange) exchange = std::make_unique<Exchange>(options_);
    exchange->Prepare(request, response, wake);
    Enqueue([&] { new_exchanges_.push_back(std::move(exchange)); });
  }

  void WakeAfter(milliseconds delay, Wake wake) {
    Enqueue([&] { new_sleeps_.emplace_back(Clock::now() + delay, wake); });
  }

  void CancelSleeps() {
    Enqueue([&] { sleeps_cancelled_ = true; });
  }

  void Abort() {
    Enqueue([&] { aborted_ = true; });
  }

 private:
  template <typename Change>
  void Enqueue(const Change& change) {
    bool notify;
    {
      std::lock_guard lock(mutex_);
      change();
      notify = !notified_;
      notified_ = true;
    }
    if (notify) Notify();
  }

  void Notify() {
    const std::uint64_t one = 1;
    // The counter cannot overflow: it is read before it is written again.
    [[maybe_unused]] const auto written = write(event_, &one, sizeof one);
  }

  void Run() {
    for (;;) {
      std::array<epoll_event, 256> events;
      const int count = epoll_wait(epoll_, events.data(), events.size(), TimeoutMs());
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == event_) {
          std::uint64_t value;
          [[maybe_unused]] const auto bytes = read(event_, &value, sizeof value);
          if (TakeNew()) return;
        } else {
          const auto ready = events[i].events;
          const int mask = ((ready & EPOLLIN) ? CURL_CSELECT_IN : 0) |
                           ((ready & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
                           ((ready & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
          int running;
          curl_multi_socket_action(multi_, events[i].data.fd, mask, &running);
        }
      }
      const auto now = Clock::now();
      if (curl_deadline_ <= now) {
        curl_deadline_ = Clock::time_point::max();
        int running;
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
      }
      ReapFinished();
      WakeSleepers(now);
      if (next_guard_ <= now) GuardAgainstStalls(now);
    }
  }

  // Returns true when the loop is to end.
  bool TakeNew() {
    std::vector<std::unique_ptr<Exchange>> exchanges;
    bool quit;
    {
      std::lock_guard lock(mutex_);
      notified_ = false;
      exchanges.swap(new_exchanges_);
      for (const auto& [deadline, wake] : new_sleeps_) sleeps_.emplace(deadline, wake);
      new_sleeps_.clear();
      cancel_sleeps_now_ = sleeps_cancelled_;
      abort_now_ = aborted_;
      quit = quit_;
    }
    const auto now = Clock::now();
    for (auto& exchange : exchanges) {
      if (active_.empty()) next_guard_ = now + GuardInterval();
      exchange->Begin(now);
      // Cannot fail for a handle that is in no multi yet, save for memory; then nothing was sent.
      if (curl_multi_add_handle(multi_, exchange->easy()) != CURLM_OK) {
        exchange->Finish(CURLE_OUT_OF_MEMORY);
        Release(std::move(exchange));
        continue;
      }
      active_.insert(exchange.release());
    }
    if (abort_now_) {
      while (!active_.empty()) End(*active_.begin(), [](Exchange& exchange) { exchange.FinishCancelled(); });
    }
    return quit;
  }

  void ReapFinished() {
    int left;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      Exchange* exchange = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
      if (code == CURLE_OK) stragglers_.Answered(exchange->body_bytes(), exchange->Age(Clock::now()));
      End(exchange, [code](Exchange& ended) { ended.Finish(code); });
    }
  }

  template <typename Finish>
  void End(Exchange* exchange, const Finish& finish) {
    active_.erase(exchange);
    finish(*exchange);
    // Closes the connection when the exchange was not complete.
    curl_multi_remove_handle(multi_, exchange->easy());
    Release(std::unique_ptr<Exchange>(exchange));
  }

  void Release(std::unique_ptr<Exchange> exchange) {
    const Wake wake = exchange->Done();
    {
      std::lock_guard lock(mutex_);
      idle_.push_back(std::move(exchange));
    }
    wake();
  }

  void WakeSleepers(Clock::time_point now) {
    while (!sleeps_.empty() && (cancel_sleeps_now_ || sleeps_.begin()->first <= now)) {
      const Wake wake = sleeps_.begin()->second;
      sleeps_.erase(sleeps_.begin());
      wake();
    }
  }

  milliseconds GuardInterval() const {
    return std::clamp(options_.stall_window / 8, milliseconds(10), milliseconds(50));
  }

  void GuardAgainstStalls(Clock::time_point now) {
    next_guard_ = now + GuardInterval();
    std::vector<Exchange*> stalled, slow;
    for (Exchange* exchange : active_) {
      if (exchange->HasStalled(now)) {
        stalled.push_back(exchange);
      } else if (IsStraggler(*exchange, now) && stragglers_.GiveUp(now)) {
        slow.push_back(exchange);
      }
    }
    for (Exchange* exchange : stalled) End(exchange, [](Exchange& ended) { ended.FinishStalled(); });
    for (Exchange* exchange : slow) End(exchange, [](Exchange& ended) { ended.FinishSlow(); });
    if (active_.empty()) next_guard_ = Clock::time_point::max();
  }

  bool IsStraggler(const Exchange& exchange, Clock::time_point now) const {
    if (!exchange.may_be_given_up()) return false;
    const auto limit = stragglers_.Limit(exchange.body_bytes());
    return limit && exchange.Age(now) > *limit;
  }

  int TimeoutMs() const {
    auto deadline = std::min(curl_deadline_, next_guard_);
    if (!sleeps_.empty()) deadline = std::min(deadline, sleeps_.begin()->first);
    if (deadline == Clock::time_point::max()) return -1;
    // Rounded up: waking a fraction early would spin.
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  static int OnSocket(CURL*, curl_socket_t fd, int what, void* self, void* known) {
    auto* const loop = static_cast<Loop*>(self);
    if (what == CURL_POLL_REMOVE) {
      epoll_ctl(loop->epoll_, EPOLL_CTL_DEL, fd, nullptr);
      return 0;
    }
    epoll_event event{
        .events = ((what & CURL_POLL_IN) ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u),
        .data = {.fd = fd}};
    // A descriptor number may come back after a close, so what epoll knows decides, not `known`.
    const int operation = known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(loop->epoll_, operation, fd, &event) != 0) {
      const int other = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
      if (epoll_ctl(loop->epoll_, other, fd, &event) != 0) return -1;
    }
    curl_multi_assign(loop->multi_, fd, loop);
    return 0;
  }

  static int OnTimer(CURLM*, long timeout_ms, void* self) {
    static_cast<Loop*>(self)->curl_deadline_ =
        timeout_ms < 0 ? Clock::time_point::max() : Clock::now() + milliseconds(timeout_ms);
    return 0;
  }

  const TransportOptions options_;
  const int epoll_;
  const int event_;
  CURLM* const multi_;

  std::mutex mutex_;  // guards the members down to quit_
  std::vector<std::unique_ptr<Exchange>> idle_;
  std::vector<std::unique_ptr<Exchange>> new_exchanges_;
  std::vector<std::pair<Clock::time_point, Wake>> new_sleeps_;
  bool notified_ = false;
  bool sleeps_cancelled_ = false;
  bool aborted_ = false;
  bool quit_ = false;

  // The loop thread's own.
  std::unordered_set<Exchange*> active_;
  Stragglers stragglers_;
  std::multimap<Clock::time_point, Wake> sleeps_;
  bool cancel_sleeps_now_ = false;
  bool abort_now_ = false;
  Clock::time_point curl_deadline_ = Clock::time_point::max();
  Clock::time_point next_guard_ = Clock::time_point::max();
  std::thread thread_;
};

EventLoop::EventLoop(const TransportOptions& options, int max_connections)
    : loop_((InitialiseCurlOnce(), std::make_unique<Loop>(options, max_connections))) {}

EventLoop::~EventLoop() = default;

// Callers are being suspended while they call: nothing may be thrown at them.
void EventLoop::Send(const HttpRequest& request, HttpResponse* response, Wake wake) {
  try {
    loop_->Send(request, response, wake);
  } catch (const std::exception& error) {
    response->failure =
        Error{.kind = ErrorKind::kLocal, .message = std::string("no request can be made: ") + error.what()};
    wake();
  }
}

void EventLoop::WakeAfter(milliseconds delay, Wake wake) {
  try {
    loop_->WakeAfter(delay, wake);
  } catch (const std::exception&) {
    wake();  // too early is better than never
  }
}

void EventLoop::CancelSleeps() { loop_->CancelSleeps(); }
void EventLoop::Abort() { loop_->Abort(); }

}  // namespace s3
