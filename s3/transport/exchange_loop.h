// The thread of an event loop, and everything that both transports do in the same way: commands from other
// threads, the exchanges in flight, the queue for connections, timers, the watchdog, the end of an exchange.
#pragma once

#include <sched.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <deque>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "s3/base/unique_fd.h"
#include "s3/transport/command_queue.h"
#include "s3/transport/engine.h"
#include "s3/transport/exchange_watchdog.h"
#include "s3/transport/timer_queue.h"

namespace s3 {

// `E` derives from ExchangeBase and has Prepare(), Forget() and HasContinueTimedOut(). Other threads only
// post commands to the queue; all other members belong to the loop's thread.
//
// A derived class calls StartThread() at the end of its constructor and StopThread() at the beginning of its
// destructor.
template <typename E>
class ExchangeLoop : public Engine {
 public:
  using Clock = std::chrono::steady_clock;

  // The caller's thread prepares the exchange, to leave the loop's thread free for I/O.
  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override {
    auto exchange = commands_.TakeRecycled();
    if (!exchange) exchange = std::make_unique<E>(options_);
    if (!exchange->Prepare(request, response, wake)) return wake();
    request = {};
    commands_.Add(std::move(exchange));
    ++in_flight_;
  }
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override {
    commands_.Add(Clock::now() + delay, wake);
  }
  void CancelSleeps() override { commands_.CancelTimers(); }
  void Abort() override { commands_.Abort(); }
  int in_flight() const override { return in_flight_; }
  std::uint64_t cancelled_stragglers() const override { return cancelled_stragglers_; }
  // Reads `ended` first, so that it is never more than the total.
  SentBytes sent_bytes() const override {
    const auto ended = sent_.ended.load();
    const auto total = sent_.total.load();
    return {total, total - std::min(ended, total)};
  }

 protected:
  explicit ExchangeLoop(const EngineSettings& settings)
      : options_(settings.options),
        epoll_(Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        watchdog_(options_, settings.loops) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = commands_.fd()}};
    Checked(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, commands_.fd(), &event), "epoll_ctl");
  }

  void StartThread() {
    thread_ = std::thread([this] {
      GatherEvents();
      Run();
    });
  }
  void StopThread() {
    commands_.Quit();
    thread_.join();
  }

  // Handles an epoll event of a descriptor that the derived class has registered.
  virtual void HandleEvent(int fd, std::uint32_t events) = 0;
  // Called when all events of one epoll_wait are handled.
  virtual void HandleTimeouts() = 0;
  // The time at which HandleTimeouts must be called at the latest.
  virtual Clock::time_point deadline() const = 0;
  // Gives the exchange an idle connection and returns true. Returns false when there is none. After true, the
  // loop calls Start().
  virtual bool TakeIdle(E* exchange) = 0;
  virtual void Start(E* exchange) = 0;
  virtual bool CanConnect() const = 0;
  // Makes a connection for the exchange. Ends the exchange when that is impossible.
  virtual void Connect(E* exchange) = 0;
  // Closes the connection of an exchange that ends, if it has one.
  virtual void CloseConnectionOf(E* exchange) = 0;
  // Closes all idle connections, so that their file descriptors become free.
  virtual void CloseIdle() = 0;
  // Called after StopExpecting(), when no 100 Continue came in time.
  virtual void HandleContinueTimeout(E* exchange) = 0;

  // Gives each waiting exchange an idle connection or starts a new one, first come, first served. Stops when
  // the pool can make no more connections.
  void AssignConnections() {
    if (now_ < next_connect_) return;
    while (!awaiting_connection_.empty()) {
      E* const exchange = awaiting_connection_.front();
      const bool has_connection = !exchange->needs_fresh_connection() && TakeIdle(exchange);
      if (!has_connection && !CanConnect()) return;
      awaiting_connection_.pop_front();
      exchange->is_awaiting_connection = false;
      has_connection ? Start(exchange) : Connect(exchange);
    }
  }

  // Call it when no file descriptor is left for the exchange's connection. Closes the idle connections, and
  // puts the exchange back at the front of the queue. The loop tries again later, when other files or
  // connections may have been closed. The clocks of all waiting exchanges start again, so that this wait does
  // not count towards a timeout.
  void AwaitDescriptor(E* exchange) {
    CloseIdle();
    exchange->is_awaiting_connection = true;
    awaiting_connection_.push_front(exchange);
    for (E* const waiting : awaiting_connection_) waiting->Begin(now_);
    next_connect_ = now_ + kDescriptorRetryDelay;
  }

  bool ExpectsContinue(const E& exchange) const {
    return exchange.is_worth_expecting() && !no_continue_origins_.contains(exchange.origin());
  }
  // Call it when the exchange's origin ignores or refuses Expect: 100-continue. Later requests to this origin
  // are sent without Expect, so that they do not wait for the timeout.
  void StopExpecting(const E& exchange) { no_continue_origins_.insert(exchange.origin()); }

  // Most servers give each response a different x-amz-request-id. If such a server sends an id twice on a
  // connection, the second response belongs to the previous request. Other servers always send the same id.
  // So an origin's ids are compared only after two responses in a row had different ids.
  template <typename Connection>
  bool IsRepeatedResponse(const E& exchange, Connection* connection) {
    const auto id = exchange.request_id();
    if (id.empty()) return false;
    if (id == connection->last_request_id) return distinct_id_origins_.contains(connection->origin);
    if (!connection->last_request_id.empty() && !std::exchange(connection->has_distinct_ids, true))
      distinct_id_origins_.insert(connection->origin);
    connection->last_request_id = id;
    return false;
  }
  static constexpr std::string_view kRepeatedResponse =
      "the server repeated an earlier response: both have the same x-amz-request-id";
  static constexpr std::string_view kNotQuiet =
      "the server closed the connection or sent data before the request was sent";

  void RecordResponse(const E& exchange) { watchdog_.RecordResponse(exchange); }

  // Closes the exchange's connection, if it still has one, and removes the exchange from those in flight.
  // `record` writes into the response how the exchange ended. WakeFinished later wakes the caller.
  template <typename Record>
  void Finish(E* exchange, const Record& record) {
    exchange->End(now_);
    record(*exchange);  // before the connection closes, because the text may depend on what was sent
    CloseConnectionOf(exchange);
    if (std::exchange(exchange->is_awaiting_connection, false)) std::erase(awaiting_connection_, exchange);
    exchange->RestartBody();
    auto& place = active_[exchange->index];
    auto finished = std::move(place);
    if (&place != &active_.back()) {
      place = std::move(active_.back());
      place->index = finished->index;
    }
    active_.pop_back();
    --in_flight_;
    finished_.push_back(std::move(finished));
  }
  void Fail(E* exchange, ErrorKind kind, std::string_view what) {
    Finish(exchange, [&](E& ended) { ended.Fail(kind, what); });
  }

  int epoll() const { return epoll_.get(); }

  const TransportOptions options_;
  Clock::time_point now_{};  // when epoll last returned

 private:
  static constexpr std::chrono::milliseconds kDescriptorRetryDelay{20};

  static int Checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
  }

  // When an event wakes a SCHED_BATCH thread, Linux does not interrupt the thread that runs on that core
  // (kernel/sched/fair.c). So events gather while workers use all cores, and one epoll_wait returns all of
  // them. On a free core, the loop runs at once. If the call is refused, the loop only costs more CPU. A
  // policy that the user has chosen (chrt) stays.
  static void GatherEvents() {
    const sched_param unused{};
    if (sched_getscheduler(0) == SCHED_OTHER) (void)sched_setscheduler(0, SCHED_BATCH, &unused);
  }

  void Run() {
    for (;;) {
      std::array<epoll_event, 256> events;
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), TimeoutMs());
      now_ = Clock::now();
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd != commands_.fd()) {
          HandleEvent(events[i].data.fd, events[i].events);
        } else if (ExecuteCommands()) {
          return WakeFinished();
        }
      }
      HandleTimeouts();
      AssignConnections();
      timers_.WakeDue(now_);
      if (watchdog_.deadline() <= now_) RunWatchdog();
      WakeFinished();
    }
  }

  // Returns true when the loop must end.
  bool ExecuteCommands() {
    auto batch = commands_.Take();
    for (const auto& [deadline, wake] : batch.timers) timers_.Add(deadline, wake);
    if (batch.cancel_timers) timers_.Cancel();
    for (auto& exchange : batch.exchanges) Begin(std::move(exchange));
    if (batch.abort) {
      while (!active_.empty()) Finish(active_.back().get(), [](E& exchange) { exchange.FailCancelled(); });
    }
    return batch.quit;
  }

  void Begin(std::unique_ptr<E> exchange) {
    if (active_.empty()) watchdog_.Schedule(now_);
    exchange->Begin(now_);
    exchange->CountIn(&sent_);
    exchange->index = active_.size();
    active_.push_back(std::move(exchange));
    E* const begun = active_.back().get();
    begun->is_awaiting_connection = true;
    awaiting_connection_.push_back(begun);
    AssignConnections();
  }

  // Wakes the callers of all exchanges that a batch of events has finished. First it recycles the exchanges,
  // under one lock for all, because the callers will need them for their next requests.
  void WakeFinished() {
    if (finished_.empty()) return;
    for (const auto& finished : finished_) {
      finished->Forget();
      wakes_.push_back(finished->waker());
    }
    commands_.Recycle(&finished_);
    for (const auto& wake : wakes_) wake();
    wakes_.clear();
  }

  void RunWatchdog() {
    const auto found = watchdog_.Check(active_, now_);
    for (E* exchange : found.stalled) Finish(exchange, [](E& ended) { ended.FailStalled(); });
    for (E* exchange : found.overdue) Finish(exchange, [](E& ended) { ended.FailOverdue(); });
    cancelled_stragglers_ += found.stragglers.size();
    for (E* exchange : found.stragglers) Finish(exchange, [](E& ended) { ended.FailSlow(); });
    for (E* exchange : found.continue_timeouts) {
      StopExpecting(*exchange);
      HandleContinueTimeout(exchange);
    }
    if (active_.empty()) watchdog_.Stop();
  }

  int TimeoutMs() const {
    const bool retries_connect = !awaiting_connection_.empty() && next_connect_ >= now_;
    const auto next_connect = retries_connect ? next_connect_ : Clock::time_point::max();
    const auto next = std::min({deadline(), watchdog_.deadline(), timers_.deadline(), next_connect});
    if (next == Clock::time_point::max()) return -1;
    // Rounded up, because a loop that wakes a fraction of a millisecond too early would spin.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  const UniqueFd epoll_;
  CommandQueue<E> commands_;
  std::atomic<int> in_flight_ = 0;
  std::atomic<std::uint64_t> cancelled_stragglers_ = 0;
  SentCounters sent_;
  std::vector<std::unique_ptr<E>> active_;
  std::deque<E*> awaiting_connection_;  // some of active_
  Clock::time_point next_connect_{};    // after a lack of descriptors: when to try again
  std::vector<std::unique_ptr<E>> finished_;
  std::vector<Wake> wakes_;
  std::unordered_set<std::string> no_continue_origins_, distinct_id_origins_;
  ExchangeWatchdog watchdog_;
  TimerQueue timers_;
  std::thread thread_;
};

}  // namespace s3
