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
#include "s3/transport/exchange_watchdog.h"
#include "s3/transport/timer_queue.h"

namespace s3 {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTryAgainAfter{20};  // without a descriptor

int Checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

}  // namespace

// Requests come in through the inbox; everything else belongs to the loop's thread.
class EventLoop::Loop {
 public:
  Loop(const TransportOptions& options, int max_connections, std::size_t most_in_the_making, int loops)
      : options_(options),
        epoll_(Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        pool_(options_, epoll_.get(), max_connections, most_in_the_making),
        watchdog_(options_, loops) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = commands_.fd()}};
    Checked(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, commands_.fd(), &event), "epoll_ctl");
    thread_ = std::thread([this] { Run(); });
  }

  ~Loop() {
    commands_.Quit();
    thread_.join();
  }

  // Writing the head is the caller's work, not the loop's.
  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) {
    auto exchange = commands_.TakeIdle();
    if (!exchange) exchange = std::make_unique<Exchange>(options_);
    if (!exchange->Prepare(request, response, wake)) return wake();
    request = {};
    commands_.Add(std::move(exchange));
    ++in_flight_;
  }

  void WakeAfter(milliseconds delay, Wake wake) { commands_.Add(Clock::now() + delay, wake); }
  void CancelSleeps() { commands_.CancelSleeps(); }
  void Abort() { commands_.Abort(); }
  int in_flight() const { return in_flight_; }
  std::uint64_t given_up() const { return given_up_; }

 private:
  void Run() {
    for (;;) {
      std::array<epoll_event, 256> events;
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), TimeoutMs());
      now_ = Clock::now();
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == commands_.fd()) {
          if (TakeNew()) return WakeEnded();
        } else if (auto* const connection = pool_.Handle(events[i].data.fd, events[i].events)) {
          GoOn(connection, events[i].events);
        }
      }
      pool_.HandleTime(now_);
      while (const auto made = pool_.NextMade()) StartOnNew(*made);
      StartWaiting();
      sleeps_.WakeDue(now_);
      if (watchdog_.deadline() <= now_) LookAfterAll();
      WakeEnded();
    }
  }

  // Returns true when the loop is to end.
  bool TakeNew() {
    auto news = commands_.Take();
    for (const auto& [deadline, wake] : news.sleeps) sleeps_.Add(deadline, wake);
    if (news.sleeps_cancelled) sleeps_.Cancel();
    for (auto& exchange : news.exchanges) Begin(std::move(exchange));
    if (news.aborted) {
      while (!active_.empty())
        End(active_.back().get(), [](Exchange& exchange) { exchange.FailCancelled(); });
    }
    return news.quit;
  }

  void Begin(std::unique_ptr<Exchange> exchange) {
    if (active_.empty()) watchdog_.Start(now_);
    exchange->Begin(now_);
    exchange->position = active_.size();
    active_.push_back(std::move(exchange));
    Exchange* const begun = active_.back().get();
    begun->is_waiting = true;
    waiting_.push_back(begun);
    StartWaiting();
  }

  void StartWaiting() {
    if (now_ < next_try_) return;
    while (!waiting_.empty()) {
      Exchange* const exchange = waiting_.front();
      Connection* const idle =
          exchange->needs_fresh_connection() ? nullptr : pool_.TakeIdle(exchange->route(), now_);
      if (idle == nullptr && !pool_.can_make()) return;
      waiting_.pop_front();
      exchange->is_waiting = false;
      idle != nullptr ? StartOn(idle, exchange) : Connect(exchange);
    }
  }

  void Connect(Exchange* exchange) {
    try {
      exchange->connection = pool_.Make(exchange->endpoint());
      exchange->connection->exchange = exchange;
    } catch (const std::bad_alloc&) {
      exchange->connection = nullptr;
      End(exchange, [](Exchange& ended) { ended.Fail(ErrorKind::kTransient, "no memory for a connection"); });
    }
  }

  void StartOnNew(const ConnectionPool::Made& made) {
    Exchange* const exchange = made.connection->exchange;
    if (made.code == CURLE_OK) {
      if (made.connection->IsQuiet()) return StartOn(made.connection, exchange);
      const auto kind = made.connection->ProblemKind();
      const auto problem = kind == ErrorKind::kTransient
                               ? "the server closed the connection, or spoke, before it was asked"
                               : made.connection->Problem();
      End(exchange, [&](Exchange& ended) { ended.Fail(kind, problem); });
      return;
    }
    if (made.connection->LacksDescriptor()) return PutBack(exchange);
    const auto error = made.connection->ConnectError(made.code);
    End(exchange, [&](Exchange& ended) { ended.Fail(error.kind, error.message); });
  }

  // Waits for a descriptor, first in the queue, with no time counted: files and connections that are done
  // with give theirs back.
  void PutBack(Exchange* exchange) {
    pool_.Close(std::exchange(exchange->connection, nullptr));
    pool_.CloseIdle();
    exchange->is_waiting = true;
    waiting_.push_front(exchange);
    for (Exchange* const waiting : waiting_) waiting->Begin(now_);
    next_try_ = now_ + kTryAgainAfter;
  }

  void StartOn(Connection* connection, Exchange* exchange) {
    connection->exchange = exchange;
    exchange->connection = connection;
    exchange->Rewind(exchange->is_worth_asking() && !never_asked_.contains(exchange->route()));
    SendSome(connection);
  }

  void GoOn(Connection* connection, std::uint32_t events) {
    Exchange* const exchange = connection->exchange;
    if ((events & Connection::kReadable) && !ReceiveSome(connection, (events & Connection::kEnding) != 0))
      return;
    if ((events & EPOLLOUT) && !exchange->sent_all()) SendSome(connection);
  }

  // False when the exchange has ended on this connection, which may be gone then.
  bool SendSome(Connection* connection) {
    using State = Connection::Moved::State;
    Exchange* const exchange = connection->exchange;
    for (;;) {
      std::array<iovec, 64> room;
      const auto pieces = exchange->Unsent(room);
      const auto file = exchange->UnsentFile();
      if (pieces.empty() && file.bytes == 0) return true;
      const auto moved =
          pieces.empty() ? connection->SendFile(file, buffer_) : connection->Send(pieces, buffer_);
      if (moved.state == State::kBlocked) return true;
      if (moved.state == State::kUnread) {
        return End(exchange,
                   [error = connection->FileError(file)](Exchange& ended) { ended.FailUnread(error); });
      }
      if (moved.state != State::kBytes) {
        // The server may have said why before it closed.
        const auto problem = "sending: " + connection->Problem();
        if (!ReceiveSome(connection, true)) return false;
        return Lost(connection, problem);
      }
      exchange->Sent(moved.bytes, now_);
      if (!moved.more) return true;
    }
  }

  // The same. `to_the_end`: the server has closed its side: what the kernel has is all that will come.
  // A body that waited for an interim response is sent when nothing is left to be received: what the server
  // has said before is no response to it.
  bool ReceiveSome(Connection* connection, bool to_the_end) {
    using State = Connection::Moved::State;
    Exchange* const exchange = connection->exchange;
    for (bool may_send = false;;) {
      const auto moved = connection->Receive(buffer_);
      if (moved.state == State::kBlocked) return !may_send || SendSome(connection);
      if (moved.state == State::kFailed) return Lost(connection, "receiving: " + connection->Problem());
      const bool ended = moved.state == State::kEnded;
      if (!ended && !exchange->sent_head()) return Lost(connection, "a response before the request");
      switch (ended ? exchange->ConnectionEnded() : Take(connection, {buffer_.data(), moved.bytes})) {
        case ResponseParser::State::kMalformed: return Lost(connection, exchange->problem());
        case ResponseParser::State::kComplete: return Answered(connection, !ended && !to_the_end);
        case ResponseParser::State::kCutOff: return Answered(connection, false);
        case ResponseParser::State::kInterim: may_send = true; break;
        case ResponseParser::State::kIncomplete: break;
      }
      if (!moved.more && !to_the_end && !may_send) return true;
    }
  }

  ResponseParser::State Take(Connection* connection, std::string_view bytes) {
    Exchange* const exchange = connection->exchange;
    const bool too_early =
        exchange->needs_acknowledgement() ? connection->HasUnacknowledged() : !exchange->sent_all();
    return exchange->Received(bytes, too_early, now_);
  }

  bool Answered(Connection* connection, bool keep) {
    Exchange* const exchange = connection->exchange;
    // 417 is the answer to an Expect that is not taken; some gateways say 501.
    const bool refused = (exchange->status() == 417 && exchange->expects_continue()) ||
                         (exchange->status() == 501 && exchange->holds_body());
    if (refused) {
      never_asked_.insert(exchange->route());
      return Again(connection);
    }
    if (IsRepeated(connection)) {
      return End(exchange, [](Exchange& ended) {
        ended.Fail(ErrorKind::kTransient,
                   "the response to the request before, once more: it has the same x-amz-request-id");
      });
    }
    watchdog_.Answered(*exchange);
    if (keep && exchange->leaves_connection_usable()) {
      exchange->connection = nullptr;
      pool_.Keep(connection, now_);
    }
    return End(exchange, [](Exchange& ended) { ended.FinishAnswered(); });
  }

  // Servers that number their responses give no two the same number: what came twice is no answer to the
  // second request. Some give all the same; whether a route's server numbers them shows as soon as two in a
  // row differ.
  bool IsRepeated(Connection* connection) {
    const auto id = connection->exchange->request_id();
    if (id.empty()) return false;
    if (id == connection->last_request_id) return numbered_.contains(connection->route);
    if (!connection->last_request_id.empty() && !std::exchange(connection->is_numbered, true))
      numbered_.insert(connection->route);
    connection->last_request_id = id;
    return false;
  }

  // A server may close an idle connection just when a request is on its way there. Then nothing has come
  // back, and a new connection decides.
  bool Lost(Connection* connection, const std::string& problem) {
    Exchange* const exchange = connection->exchange;
    const auto kind = exchange->met_tls() ? ErrorKind::kWrongEndpoint : connection->ProblemKind();
    const bool again = connection->reused && !exchange->received_any() && !exchange->needs_fresh_connection();
    if (again) return Again(connection);
    return End(exchange, [&](Exchange& ended) { ended.Fail(kind, problem); });
  }

  bool Again(Connection* connection) {
    Exchange* const exchange = connection->exchange;
    pool_.Close(connection);
    exchange->Rewind(false);  // nothing of it is under way until it is connected
    Connect(exchange);
    return false;
  }

  template <typename Finish>
  bool End(Exchange* exchange, const Finish& finish) {
    if (exchange->connection != nullptr) pool_.Close(exchange->connection);
    if (std::exchange(exchange->is_waiting, false)) std::erase(waiting_, exchange);
    finish(*exchange);
    auto& place = active_[exchange->position];
    auto ended = std::move(place);
    if (&place != &active_.back()) {
      place = std::move(active_.back());
      place->position = ended->position;
    }
    active_.pop_back();
    --in_flight_;
    ended_.push_back(std::move(ended));
    return false;  // as they say who end it on its connection
  }

  // All that a batch of events has ended: one lock for them, and before their bodies come for the next ones.
  void WakeEnded() {
    if (ended_.empty()) return;
    for (const auto& ended : ended_) {
      ended->Forget();
      wakes_.push_back(ended->Done());
    }
    commands_.GiveBack(&ended_);
    for (const auto& wake : wakes_) wake();
    wakes_.clear();
  }

  void LookAfterAll() {
    const auto found = watchdog_.Look(active_, now_);
    for (Exchange* exchange : found.stalled) End(exchange, [](Exchange& ended) { ended.FailStalled(); });
    for (Exchange* exchange : found.overdue) End(exchange, [](Exchange& ended) { ended.FailOverdue(); });
    given_up_ += found.slow.size();
    for (Exchange* exchange : found.slow) End(exchange, [](Exchange& ended) { ended.FailSlow(); });
    for (Exchange* exchange : found.continue_timeouts) {
      never_asked_.insert(exchange->route());
      if (!ReceiveSome(exchange->connection, false)) continue;
      exchange->SendBodyUnasked();
      SendSome(exchange->connection);
    }
    if (active_.empty()) watchdog_.Stop();
  }

  int TimeoutMs() const {
    const auto next_try = waiting_.empty() || next_try_ < now_ ? Clock::time_point::max() : next_try_;
    const auto deadline = std::min({pool_.deadline(), watchdog_.deadline(), sleeps_.deadline(), next_try});
    if (deadline == Clock::time_point::max()) return -1;
    // Rounded up: waking a fraction early would spin.
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  const TransportOptions options_;
  const UniqueFd epoll_;
  CommandQueue commands_;
  std::atomic<int> in_flight_ = 0;
  std::atomic<std::uint64_t> given_up_ = 0;

  // The loop thread's own.
  ConnectionPool pool_;
  Clock::time_point now_{};  // when epoll last returned
  std::array<char, Connection::kScratchBytes> buffer_;
  std::vector<std::unique_ptr<Exchange>> active_;
  std::deque<Exchange*> waiting_;  // of these, for a connection
  Clock::time_point next_try_{};   // to make one, after descriptors ran out
  std::vector<std::unique_ptr<Exchange>> ended_;
  std::vector<Wake> wakes_;
  // Routes whose servers do not answer the question whether they take a body: it costs them no second wait.
  std::unordered_set<std::string> never_asked_;
  // Routes whose responses have an x-amz-request-id of their own each.
  std::unordered_set<std::string> numbered_;
  ExchangeWatchdog watchdog_;
  TimerQueue sleeps_;
  std::thread thread_;
};

EventLoop::EventLoop(const TransportOptions& options, int max_connections, std::size_t most_in_the_making,
                     int loops)
    : loop_(std::make_unique<Loop>(options, max_connections, most_in_the_making, loops)) {}

EventLoop::~EventLoop() = default;

// Callers are being suspended while they call: nothing may be thrown at them.
void EventLoop::Send(HttpRequest&& request, HttpResponse* response, Wake wake) {
  try {
    loop_->Send(std::move(request), response, wake);
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
int EventLoop::in_flight() const { return loop_->in_flight(); }
std::uint64_t EventLoop::given_up() const { return loop_->given_up(); }

}  // namespace s3
