#include "s3/transport/direct/direct_loop.h"

#include <string>
#include <utility>

#include "s3/transport/direct/connection_pool.h"
#include "s3/transport/direct/exchange.h"
#include "s3/transport/direct/exchange_pump.h"
#include "s3/transport/exchange_loop.h"

namespace s3 {
namespace {

class DirectLoop final : public ExchangeLoop<Exchange> {
 public:
  explicit DirectLoop(const EngineSettings& settings)
      : ExchangeLoop(settings), pool_(options_, epoll(), settings.max_idle, settings.max_connecting) {
    StartThread();
  }
  ~DirectLoop() override { StopThread(); }

 private:
  void HandleEvent(int fd, std::uint32_t events) override {
    Connection* const connection = pool_.HandleEvent(fd, events);
    if (connection == nullptr) return;
    Pump(connection, {.receive = (events & Connection::kReadable) != 0,
                      .send = (events & EPOLLOUT) != 0,
                      .server_closed = (events & Connection::kPeerClosed) != 0});
  }

  void HandleTimeouts() override {
    pool_.HandleTimeout(now_);
    while (const auto connected = pool_.NextConnected()) HandleConnected(*connected);
  }
  Clock::time_point deadline() const override { return pool_.deadline(); }

  bool CanConnect() const override { return pool_.can_connect(); }
  void CloseIdle() override { pool_.CloseIdle(); }
  void CloseConnectionOf(Exchange* exchange) override {
    if (exchange->connection != nullptr) pool_.Close(exchange->connection);
  }

  void Connect(Exchange* exchange) override {
    try {
      exchange->connection = pool_.Connect(exchange->endpoint());
      exchange->connection->exchange = exchange;
    } catch (const std::bad_alloc&) {
      exchange->connection = nullptr;
      Fail(exchange, ErrorKind::kTransient, "no memory for a connection");
    }
  }

  void HandleConnected(const ConnectionPool::Connected& connected) {
    Connection* const connection = connected.connection;
    Exchange* const exchange = connection->exchange;
    if (connected.code != CURLE_OK) {
      if (connection->LacksDescriptor()) {
        pool_.Close(std::exchange(exchange->connection, nullptr));
        return AwaitDescriptor(exchange);
      }
      const auto error = connection->ConnectError(connected.code);
      return Fail(exchange, error.kind, error.message);
    }
    if (connection->IsQuiet()) return Start(exchange);
    const auto kind = connection->ProblemKind();
    Fail(exchange, kind, kind == ErrorKind::kTransient ? std::string(kNotQuiet) : connection->Problem());
  }

  bool TakeIdle(Exchange* exchange) override {
    exchange->connection = pool_.TakeIdle(exchange->origin(), now_);
    if (exchange->connection == nullptr) return false;
    exchange->connection->exchange = exchange;
    return true;
  }

  void Start(Exchange* exchange) override {
    exchange->Rewind(ExpectsContinue(*exchange));
    Pump(exchange->connection, {.send = true});
  }

  void HandleContinueTimeout(Exchange* exchange) override {
    Pump(exchange->connection, {.receive = true, .stop_awaiting_continue = true});
  }

  // After this call the connection and its exchange may no longer exist.
  void Pump(Connection* connection, const ExchangePump::Work& work) {
    using Outcome = ExchangePump::Outcome;
    switch (pump_.Run(connection, connection->exchange, work, now_)) {
      case Outcome::kBlocked: return connection->exchange->NoteProgress(now_);
      case Outcome::kResponse: return HandleResponse(connection, true);
      case Outcome::kResponseAndClose: return HandleResponse(connection, false);
      case Outcome::kConnectionLost: return HandleLoss(connection, pump_.problem());
      case Outcome::kFileUnreadable: return HandleUnreadableFile(connection);
    }
  }

  void HandleResponse(Connection* connection, bool may_keep_alive) {
    Exchange* const exchange = connection->exchange;
    if (IsExpectationRefused(*exchange)) {
      StopExpecting(*exchange);
      return ResendOnNewConnection(connection);
    }
    if (IsRepeatedResponse(*exchange, connection))
      return Fail(exchange, ErrorKind::kTransient, kRepeatedResponse);
    RecordResponse(*exchange);
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

  // A server may close an idle connection while a request is on its way. If no byte of a response has come,
  // the request is resent on a new connection. If that connection is lost, too, the exchange fails.
  void HandleLoss(Connection* connection, const std::string& problem) {
    Exchange* const exchange = connection->exchange;
    const auto kind = exchange->met_tls() ? ErrorKind::kWrongEndpoint : connection->ProblemKind();
    const bool may_resend =
        connection->is_reused && !exchange->received_any() && !exchange->needs_fresh_connection();
    if (may_resend) return ResendOnNewConnection(connection);
    Fail(exchange, kind, problem);
  }

  void HandleUnreadableFile(Connection* connection) {
    Exchange* const exchange = connection->exchange;
    const auto error = connection->FileError(exchange->UnsentFile());
    Finish(exchange, [&](Exchange& ended) { ended.FailUnreadable(error); });
  }

  void ResendOnNewConnection(Connection* connection) {
    Exchange* const exchange = connection->exchange;
    exchange->EnterState(SlotState::kConnecting, now_);
    pool_.Close(connection);
    exchange->Rewind(false);  // ends the wait for 100 Continue, which must not time out while connecting
    Connect(exchange);
  }

  ConnectionPool pool_;
  ExchangePump pump_;
};

}  // namespace

std::unique_ptr<Engine> MakeDirectLoop(const EngineSettings& settings) {
  return std::make_unique<DirectLoop>(settings);
}

}  // namespace s3
