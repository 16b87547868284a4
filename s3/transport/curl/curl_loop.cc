#include "s3/transport/curl/curl_loop.h"

#include <string>
#include <utility>

#include "s3/transport/curl/curl_pool.h"
#include "s3/transport/curl/transfer.h"
#include "s3/transport/curl_options.h"
#include "s3/transport/exchange_loop.h"

namespace s3 {
namespace {

class CurlLoop final : public ExchangeLoop<Transfer> {
 public:
  explicit CurlLoop(const EngineSettings& settings)
      : ExchangeLoop(settings), pool_(options_, epoll(), settings.max_idle, settings.max_connecting) {
    StartThread();
  }
  ~CurlLoop() override { StopThread(); }

 private:
  void HandleEvent(int fd, std::uint32_t events) override {
    Transfer* const transfer = pool_.HandleEvent(fd, events);
    if (transfer != nullptr && transfer->HasFlooded())
      Fail(transfer, ErrorKind::kTransient, "the response has too many bytes besides its body");
  }

  void HandleTimeouts() override {
    pool_.HandleTimeout(now_);
    while (const auto ended = pool_.NextEnded()) HandleEnd(ended->connection, ended->code);
  }
  Clock::time_point deadline() const override { return pool_.deadline(); }

  bool CanConnect() const override { return pool_.can_connect(); }
  void CloseIdle() override { pool_.CloseIdle(); }
  void CloseConnectionOf(Transfer* transfer) override {
    if (transfer->connection != nullptr) pool_.Close(std::exchange(transfer->connection, nullptr));
  }
  void HandleContinueTimeout(Transfer*) override {}  // libcurl itself ends this wait

  bool TakeIdle(Transfer* transfer) override {
    transfer->connection = pool_.TakeIdle(transfer->origin(), now_);
    return transfer->connection != nullptr;
  }

  void Connect(Transfer* transfer) override {
    try {
      transfer->connection = pool_.Create(transfer->endpoint());
    } catch (const std::bad_alloc&) {
      return Fail(transfer, ErrorKind::kTransient, "no memory for a connection");
    }
    Start(transfer);
  }

  void Start(Transfer* transfer) override {
    try {
      const bool asks_proxy = transfer->asks_proxy && !transfer->expectation_refused();
      transfer->connection->SetUp(transfer, asks_proxy || ExpectsContinue(*transfer));
      pool_.Start(transfer->connection);
    } catch (const std::bad_alloc&) {
      Fail(transfer, ErrorKind::kTransient, "no memory for a connection");
    }
  }

  void HandleEnd(CurlConnection* connection, CURLcode code) {
    Transfer* const transfer = connection->transfer;
    if (transfer->continue_timed_out()) StopExpecting(*transfer);
    if (!connection->was_quiet()) return HandleNoise(transfer);
    if (!connection->is_connected) return HandleConnectFailure(transfer, code);
    if (transfer->has_file_failed())
      return Finish(transfer, [](Transfer& ended) { ended.FailUnreadable(ended.file_error()); });
    if (transfer->expectation_refused()) {
      StopExpecting(*transfer);
      return ResendOnNewConnection(transfer);
    }
    if (!transfer->problem().empty()) return Fail(transfer, ErrorKind::kTransient, transfer->problem());
    if (transfer->is_head_complete() && HandleProxyRefusal(transfer)) return;
    if (code == CURLE_OK || transfer->is_cut_off()) return HandleResponse(transfer);
    // libcurl itself resends after a failed receive, but not after a failed send.
    const bool may_resend =
        !connection->is_new() && !transfer->received_any() && !transfer->needs_fresh_connection();
    if (code == CURLE_SEND_ERROR && may_resend) return ResendOnNewConnection(transfer);
    if (MayAskProxy(*transfer)) {
      transfer->asks_proxy = true;
      return ResendOnNewConnection(transfer);
    }
    const auto loss = connection->Loss(code);
    Fail(transfer, loss.kind, loss.message);
  }

  // A SOCKS proxy sends no responses of its own.
  bool MayBeForwarded(const Transfer& transfer) const {
    const auto proxy = ProxyUrl(options_.proxy, "http");
    return transfer.endpoint().scheme == "http" && !proxy.empty() && !proxy.starts_with("socks");
  }

  // A proxy that refuses a request may close the connection without reading the body. Then the connection is
  // reset, and the response is lost. With `Expect: 100-continue` the proxy responds before there is a body.
  bool MayAskProxy(const Transfer& transfer) const {
    return MayBeForwarded(transfer) && !transfer.asks_proxy && transfer.body_bytes() > 0 &&
           !transfer.received_any() && !transfer.needs_fresh_connection();
  }

  // Returns false when the response is the store's. A proxy's response counts even if its end is missing: the
  // proxy may close the connection without reading the body, so that a reset cuts off the response.
  bool HandleProxyRefusal(Transfer* transfer) {
    if (!MayBeForwarded(*transfer)) return false;
    const auto refusal = transfer->ProxyRefusal();
    if (refusal.empty()) return false;
    if (transfer->status() == 407 && pool_.LetProxyChooseAuth(*transfer->connection)) {
      ResendOnNewConnection(transfer);
    } else {
      Fail(transfer, ErrorKind::kWrongEndpoint, refusal);
    }
    return true;
  }

  void HandleResponse(Transfer* transfer) {
    CurlConnection* const connection = transfer->connection;
    if (!transfer->is_head_complete())
      return Fail(transfer, ErrorKind::kTransient,
                  "the server closed the connection in the middle of the response");
    if (IsRepeatedResponse(*transfer, connection))
      return Fail(transfer, ErrorKind::kTransient, kRepeatedResponse);
    RecordResponse(*transfer);
    if (transfer->leaves_connection_usable()) {
      transfer->Detach();
      transfer->connection = nullptr;
      pool_.KeepAlive(connection, now_);
    }
    Finish(transfer, [](Transfer& ended) { ended.Complete(); });
  }

  // There was something to receive before the request, so the request was not sent. If the connection was
  // reused, the request is sent on a new one. If the connection is new, the transfer fails.
  void HandleNoise(Transfer* transfer) {
    if (!transfer->connection->is_new()) return ResendOnNewConnection(transfer);
    Fail(transfer, ErrorKind::kTransient, kNotQuiet);
  }

  void HandleConnectFailure(Transfer* transfer, CURLcode code) {
    if (transfer->connection->LacksDescriptor()) {
      CloseConnectionOf(transfer);
      return AwaitDescriptor(transfer);
    }
    if (transfer->connection->tunnel_status() == 407 && pool_.LetProxyChooseAuth(*transfer->connection))
      return ResendOnNewConnection(transfer);
    const auto error = transfer->connection->ConnectFailure(code);
    Fail(transfer, error.kind, error.message);
  }

  void ResendOnNewConnection(Transfer* transfer) {
    CloseConnectionOf(transfer);
    transfer->EnterState(SlotState::kConnecting, now_);
    Connect(transfer);
  }

  CurlPool pool_;
};

}  // namespace

std::unique_ptr<Engine> MakeCurlLoop(const EngineSettings& settings) {
  return std::make_unique<CurlLoop>(settings);
}

}  // namespace s3
