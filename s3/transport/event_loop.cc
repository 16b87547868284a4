#include "s3/transport/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <deque>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "s3/base/unique_fd.h"
#include "s3/transport/command_queue.h"
#include "s3/transport/connection_pool.h"
#include "s3/transport/exchange.h"
#include "s3/transport/exchange_pump.h"
#include "s3/transport/exchange_watchdog.h"
#include "s3/transport/timer_queue.h"

namespace s3 {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kDescriptorRetryDelay{20};

int Checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

}  // namespace

// Other threads only post commands to the queue; all other members belong to the loop's thread.
class EventLoop::Loop {
 public:
  Loop(const TransportOptions& options, int max_idle, std::size_t max_connecting, int loops)
      : options_(options),
        epoll_(Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        pool_(options_, epoll_.get(), max_idle, max_connecting),
        watchdog_(options_, loops) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = commands_.fd()}};
    Checked(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, commands_.fd(), &event), "epoll_ctl");
    thread_ = std::thread([this] { Run(); });
  }

  ~Loop() {
    commands_.Quit();
    thread_.join();
  }

  // The caller's thread writes the head, to leave the loop's thread free for I/O.
  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) {
    auto exchange = commands_.TakeRecycled();
    if (!exchange) exchange = std::make_unique<Exchange>(options_);
    if (!exchange->Prepare(request, response, wake)) return wake();
    request = {};
    commands_.Add(std::move(exchange));
    ++in_flight_;
  }

  void WakeAfter(milliseconds delay, Wake wake) { commands_.Add(Clock::now() + delay, wake); }
  void CancelSleeps() { commands_.CancelTimers(); }
  void Abort() { commands_.Abort(); }
  int in_flight() const { return in_flight_; }
  std::uint64_t cancelled_stragglers() const { return cancelled_stragglers_; }
  // Reads the ended bytes first, so that they are never more than the total.
  SentBytes sent_bytes() const {
    const auto ended = ended_bytes_.load();
    const auto total = pump_.sent_bytes();
    return {total, total - std::min(ended, total)};
  }

 private:
  void Run() {
    for (;;) {
      std::array<epoll_event, 256> events;
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), TimeoutMs());
      now_ = Clock::now();
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == commands_.fd()) {
          if (ExecuteCommands()) return WakeFinished();
        } else if (auto* const connection = pool_.HandleEvent(events[i].data.fd, events[i].events)) {
          HandleEvent(connection, events[i].events);
        }
      }
      pool_.HandleTimeout(now_);
      while (const auto connected = pool_.NextConnected()) HandleConnected(*connected);
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
      while (!active_.empty())
        Finish(active_.back().get(), [](Exchange& exchange) { exchange.FailCancelled(); });
    }
    return batch.quit;
  }

  void Begin(std::unique_ptr<Exchange> exchange) {
    if (active_.empty()) watchdog_.Schedule(now_);
    exchange->Begin(now_);
    exchange->index = active_.size();
    active_.push_back(std::move(exchange));
    Exchange* const begun = active_.back().get();
    begun->is_awaiting_connection = true;
    awaiting_connection_.push_back(begun);
    AssignConnections();
  }

  // Gives each waiting exchange an idle connection or starts a new one, first come, first served. Stops when
  // the pool can make no more connections.
  void AssignConnections() {
    if (now_ < next_connect_) return;
    while (!awaiting_connection_.empty()) {
      Exchange* const exchange = awaiting_connection_.front();
      Connection* const idle =
          exchange->needs_fresh_connection() ? nullptr : pool_.TakeIdle(exchange->origin(), now_);
      if (idle == nullptr && !pool_.can_connect()) return;
      awaiting_connection_.pop_front();
      exchange->is_awaiting_connection = false;
      idle != nullptr ? StartOn(idle, exchange) : Connect(exchange);
    }
  }

  void Connect(Exchange* exchange) {
    try {
      exchange->connection = pool_.Connect(exchange->endpoint());
      exchange->connection->exchange = exchange;
    } catch (const std::bad_alloc&) {
      exchange->connection = nullptr;
      Finish(exchange,
             [](Exchange& ended) { ended.Fail(ErrorKind::kTransient, "no memory for a connection"); });
    }
  }

  void HandleConnected(const ConnectionPool::Connected& connected) {
    Connection* const connection = connected.connection;
    Exchange* const exchange = connection->exchange;
    if (connected.code != CURLE_OK) {
      if (connection->LacksDescriptor()) return AwaitDescriptor(exchange);
      const auto error = connection->ConnectError(connected.code);
      return Finish(exchange, [&](Exchange& ended) { ended.Fail(error.kind, error.message); });
    }
    if (connection->IsQuiet()) return StartOn(connection, exchange);
    const auto kind = connection->ProblemKind();
    const auto problem = kind == ErrorKind::kTransient
                             ? "the server closed the connection or sent data before the request was sent"
                             : connection->Problem();
    Finish(exchange, [&](Exchange& ended) { ended.Fail(kind, problem); });
  }

  // Puts the exchange back to the front of the queue until a file descriptor is free: files and connections
  // release descriptors when they are no longer needed. Restarts the clocks of all waiting exchanges, so that
  // this wait causes no timeout.
  void AwaitDescriptor(Exchange* exchange) {
    pool_.Close(std::exchange(exchange->connection, nullptr));
    pool_.CloseIdle();
    exchange->is_awaiting_connection = true;
    awaiting_connection_.push_front(exchange);
    for (Exchange* const waiting : awaiting_connection_) waiting->Begin(now_);
    next_connect_ = now_ + kDescriptorRetryDelay;
  }

  void StartOn(Connection* connection, Exchange* exchange) {
    connection->exchange = exchange;
    exchange->connection = connection;
    exchange->Rewind(exchange->is_worth_expecting() && !no_continue_origins_.contains(exchange->origin()));
    Pump(connection, {.send = true});
  }

  void HandleEvent(Connection* connection, std::uint32_t events) {
    Pump(connection, {.receive = (events & Connection::kReadable) != 0,
                      .send = (events & EPOLLOUT) != 0,
                      .server_closed = (events & Connection::kPeerClosed) != 0});
  }

  // After this call the connection and its exchange may no longer exist.
  void Pump(Connection* connection, const ExchangePump::Work& work) {
    using Outcome = ExchangePump::Outcome;
    switch (pump_.Run(connection, connection->exchange, work, now_)) {
      case Outcome::kBlocked: return;
      case Outcome::kResponse: return HandleResponse(connection, true);
      case Outcome::kResponseAndClose: return HandleResponse(connection, false);
      case Outcome::kConnectionLost: return HandleLoss(connection, pump_.problem());
      case Outcome::kFileUnreadable: return HandleUnreadableFile(connection);
    }
  }

  void HandleResponse(Connection* connection, bool may_keep_alive) {
    Exchange* const exchange = connection->exchange;
    if (IsExpectationRefused(*exchange)) {
      no_continue_origins_.insert(exchange->origin());
      return ResendOnNewConnection(connection);
    }
    if (IsRepeatedResponse(connection)) {
      return Finish(exchange, [](Exchange& ended) {
        ended.Fail(ErrorKind::kTransient,
                   "the server repeated an earlier response: both have the same x-amz-request-id");
      });
    }
    watchdog_.RecordResponse(*exchange);
    if (may_keep_alive && exchange->leaves_connection_usable()) {
      exchange->connection = nullptr;
      pool_.KeepAlive(connection, now_);
    }
    Finish(exchange, [](Exchange& ended) { ended.Complete(); });
  }

  // Returns true when the server refused `Expect: 100-continue`: with 417 (RFC 9110, section 15.5.18) or,
  // like some gateways, with 501.
  static bool IsExpectationRefused(const Exchange& exchange) {
    return (exchange.status() == 417 && exchange.expects_continue()) ||
           (exchange.status() == 501 && exchange.awaits_continue());
  }

  // Most servers give each response a different x-amz-request-id. If such a server sends an id twice on a
  // connection, the second response belongs to the previous request. Other servers always send the same id.
  // So an origin's ids are compared only after two responses in a row had different ids.
  bool IsRepeatedResponse(Connection* connection) {
    const auto id = connection->exchange->request_id();
    if (id.empty()) return false;
    if (id == connection->last_request_id) return distinct_id_origins_.contains(connection->origin);
    if (!connection->last_request_id.empty() && !std::exchange(connection->has_distinct_ids, true))
      distinct_id_origins_.insert(connection->origin);
    connection->last_request_id = id;
    return false;
  }

  // A server may close an idle connection while a request is on its way. If no byte of a response has come,
  // the request is resent on a new connection. If that connection is lost, too, the exchange fails.
  void HandleLoss(Connection* connection, const std::string& problem) {
    Exchange* const exchange = connection->exchange;
    const auto kind = exchange->met_tls() ? ErrorKind::kWrongEndpoint : connection->ProblemKind();
    const bool may_resend =
        connection->is_reused && !exchange->received_any() && !exchange->needs_fresh_connection();
    if (may_resend) return ResendOnNewConnection(connection);
    Finish(exchange, [&](Exchange& ended) { ended.Fail(kind, problem); });
  }

  void HandleUnreadableFile(Connection* connection) {
    Exchange* const exchange = connection->exchange;
    const auto error = connection->FileError(exchange->UnsentFile());
    Finish(exchange, [&](Exchange& ended) { ended.FailUnreadable(error); });
  }

  void ResendOnNewConnection(Connection* connection) {
    Exchange* const exchange = connection->exchange;
    pool_.Close(connection);
    ended_bytes_ += exchange->body_sent();
    exchange->Rewind(false);  // ends the wait for 100 Continue, which must not time out while connecting
    Connect(exchange);
  }

  // Closes the connection unless it was detached before, and removes the exchange from active_. `record`
  // writes into the response how the exchange ended. WakeFinished wakes the caller later.
  template <typename Record>
  void Finish(Exchange* exchange, const Record& record) {
    ended_bytes_ += exchange->body_sent();
    if (exchange->connection != nullptr) pool_.Close(exchange->connection);
    if (std::exchange(exchange->is_awaiting_connection, false)) std::erase(awaiting_connection_, exchange);
    record(*exchange);
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

  // Wakes the callers of all exchanges that a batch of events has finished. Before, it recycles the
  // exchanges, under one lock for all, because the callers will need them for their next requests.
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
    for (Exchange* exchange : found.stalled) Finish(exchange, [](Exchange& ended) { ended.FailStalled(); });
    for (Exchange* exchange : found.overdue) Finish(exchange, [](Exchange& ended) { ended.FailOverdue(); });
    cancelled_stragglers_ += found.stragglers.size();
    for (Exchange* exchange : found.stragglers) Finish(exchange, [](Exchange& ended) { ended.FailSlow(); });
    for (Exchange* exchange : found.continue_timeouts) {
      no_continue_origins_.insert(exchange->origin());
      Pump(exchange->connection, {.receive = true, .stop_awaiting_continue = true});
    }
    if (active_.empty()) watchdog_.Stop();
  }

  int TimeoutMs() const {
    const bool retries_connect = !awaiting_connection_.empty() && next_connect_ >= now_;
    const auto next_connect = retries_connect ? next_connect_ : Clock::time_point::max();
    const auto deadline =
        std::min({pool_.deadline(), watchdog_.deadline(), timers_.deadline(), next_connect});
    if (deadline == Clock::time_point::max()) return -1;
    // Rounded up, because a loop that wakes a fraction of a millisecond too early would spin.
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  const TransportOptions options_;
  const UniqueFd epoll_;
  CommandQueue commands_;
  std::atomic<int> in_flight_ = 0;
  std::atomic<std::uint64_t> cancelled_stragglers_ = 0;
  std::atomic<std::uint64_t> ended_bytes_ = 0;  // sent bytes of bodies whose request has ended or is resent

  // Used by the loop's thread only.
  ConnectionPool pool_;
  ExchangePump pump_;
  Clock::time_point now_{};  // when epoll last returned
  std::vector<std::unique_ptr<Exchange>> active_;
  std::deque<Exchange*> awaiting_connection_;  // owned by active_
  Clock::time_point next_connect_{};           // when to try again after file descriptors ran out
  std::vector<std::unique_ptr<Exchange>> finished_;
  std::vector<Wake> wakes_;
  // Origins that ignore or refuse Expect: 100-continue. Later requests to them do not wait for 100 Continue.
  std::unordered_set<std::string> no_continue_origins_;
  // Origins that have sent two different x-amz-request-ids in a row.
  std::unordered_set<std::string> distinct_id_origins_;
  ExchangeWatchdog watchdog_;
  TimerQueue timers_;
  std::thread thread_;
};

EventLoop::EventLoop(const TransportOptions& options, int max_idle, std::size_t max_connecting, int loops)
    : loop_(std::make_unique<Loop>(options, max_idle, max_connecting, loops)) {}

EventLoop::~EventLoop() = default;

// Must not throw, because the caller is suspended until its Wake.
void EventLoop::Send(HttpRequest&& request, HttpResponse* response, Wake wake) {
  try {
    loop_->Send(std::move(request), response, wake);
  } catch (const std::exception& error) {
    response->failure = Error{.kind = ErrorKind::kLocal,
                              .message = std::string("the request could not be made: ") + error.what()};
    wake();
  }
}

void EventLoop::WakeAfter(milliseconds delay, Wake wake) {
  try {
    loop_->WakeAfter(delay, wake);
  } catch (const std::exception&) {
    wake();  // no memory for the timer: to wake too early is better than never
  }
}

void EventLoop::CancelSleeps() { loop_->CancelSleeps(); }
void EventLoop::Abort() { loop_->Abort(); }
int EventLoop::in_flight() const { return loop_->in_flight(); }
std::uint64_t EventLoop::cancelled_stragglers() const { return loop_->cancelled_stragglers(); }
SentBytes EventLoop::sent_bytes() const { return loop_->sent_bytes(); }

}  // namespace s3
