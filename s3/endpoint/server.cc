#include "s3/endpoint/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <thread>

#include "s3/endpoint/call.h"
#include "s3/endpoint/faults.h"
#include "s3/endpoint/operations.h"
#include "s3/endpoint/pace.h"
#include "s3/endpoint/verify.h"

namespace s3::endpoint {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::use_awaitable;
using asio::ip::tcp;
template <typename T>
using Awaitable = asio::awaitable<T>;
using Parser = http::request_parser<http::buffer_body>;

constexpr std::size_t kChunkBytes = 256 << 10;
constexpr std::uint32_t kMaxHeaderBytes = 64 << 10;
// A refused request's body up to this size is read and dropped, so that the client can read the
// answer; with a larger one the connection is closed.
constexpr std::uint64_t kMaxDrainBytes = 1 << 20;

// Thrown to end a connection; not an error of the endpoint.
struct ConnectionEnds {};

Call ReadCall(const Parser& parser) {
  const auto& request = parser.get();
  Call call;
  call.method = std::string(request.method_string());
  call.target = std::string(request.target());
  for (const auto& field : request) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    call.headers.push_back({std::move(name), std::string(field.value())});
  }
  return call;
}

}  // namespace

class Server::Impl {
 public:
  explicit Impl(ServerOptions options)
      : options_(std::move(options)),
        store_(options_.storage, options_.directory),
        faults_(options_.faults),
        pace_(options_.bandwidth_bytes),
        acceptor_(io_, tcp::endpoint(asio::ip::make_address(options_.address),
                                     static_cast<std::uint16_t>(options_.port))) {
    for (const auto& bucket : options_.buckets) store_.CreateBucket(bucket);
    asio::co_spawn(io_, AcceptForever(), asio::detached);
    for (int i = 0; i < std::max(1, options_.threads); ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }

  ~Impl() {
    io_.stop();
    for (auto& thread : threads_) thread.join();
  }

  int port() const { return acceptor_.local_endpoint().port(); }
  const std::string& address() const { return options_.address; }
  Store& store() { return store_; }

  ServerStats stats() const {
    std::lock_guard lock(stats_mutex_);
    return stats_;
  }

 private:
  struct Connection {
    explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}
    tcp::socket stream;
    beast::flat_buffer buffer;
    std::vector<char> chunk = std::vector<char>(kChunkBytes);
  };

  // Counts a request as in flight while it lives.
  class InFlight {
   public:
    InFlight(Impl* server, std::string operation) : server_(server), operation_(std::move(operation)) {
      std::lock_guard lock(server_->stats_mutex_);
      ++server_->stats_.requests[operation_];
      const int now = ++server_->in_flight_[operation_];
      auto& most = server_->stats_.max_in_flight[operation_];
      most = std::max(most, now);
    }
    ~InFlight() {
      std::lock_guard lock(server_->stats_mutex_);
      --server_->in_flight_[operation_];
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

   private:
    Impl* const server_;
    const std::string operation_;
  };

  Awaitable<void> AcceptForever() {
    for (;;) {
      boost::system::error_code error;
      auto socket =
          co_await acceptor_.async_accept(asio::make_strand(io_), asio::redirect_error(use_awaitable, error));
      if (error) {
        // Out of descriptors, or a client that left at once: neither ends the endpoint.
        asio::steady_timer timer(io_, std::chrono::milliseconds(10));
        co_await timer.async_wait(use_awaitable);
        continue;
      }
      socket.set_option(tcp::no_delay(true), error);
      const auto executor = socket.get_executor();
      asio::co_spawn(executor, Serve(std::make_unique<Connection>(std::move(socket))), asio::detached);
    }
  }

  Awaitable<void> Serve(std::unique_ptr<Connection> connection) {
    try {
      while (co_await ServeOne(*connection)) {
      }
    } catch (const ConnectionEnds&) {
    } catch (const boost::system::system_error&) {
      // The client left; whatever it had sent is not stored.
    }
  }

  // Returns whether the connection can carry another request.
  Awaitable<bool> ServeOne(Connection& connection) {
    Parser parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(boost::none);
    co_await http::async_read_header(connection.stream, connection.buffer, parser, use_awaitable);
    Call call = ReadCall(parser);
    const bool well_formed = ParseTarget(&call);
    const InFlight counted(this, call.operation.empty() ? "Unknown" : call.operation);

    const auto fault = NextFault(call);
    if (fault) co_await BeforeBody(connection, *fault);
    std::optional<Reply> refusal;
    if (!well_formed) {
      refusal = ErrorReply(400, "InvalidURI", "Couldn't parse the specified URI.");
    } else if (call.operation.empty()) {
      refusal = ErrorReply(501, "NotImplemented", "This endpoint does not have this operation");
    } else if ((refusal = VerifySignature(call, options_, std::chrono::system_clock::now()))) {
      std::lock_guard lock(stats_mutex_);
      ++stats_.refused_signatures;
    } else if (call.operation == "PutObject") {
      refusal = CheckPutObjectHeaders(store_, call);
    }
    if (refusal) {
      const bool drained = co_await Drain(connection, parser);
      co_return co_await Send(connection, *refusal, drained && parser.keep_alive());
    }

    const bool stores =
        !fault || (fault->action != FaultAction::kStatus && fault->action != FaultAction::kNoAnswer);
    Reply reply = co_await CarryOut(connection, parser, call, fault, stores);
    if (fault) co_await InsteadOfAnswer(connection, *fault, &reply);
    reply.head_only = call.method == "HEAD";
    if (options_.latency.count() > 0) co_await Sleep(options_.latency);
    co_return co_await Send(connection, reply, parser.keep_alive());
  }

  std::optional<FaultRule> NextFault(const Call& call) {
    auto fault = faults_.Next(call.operation, call.key);
    if (fault) {
      std::lock_guard lock(stats_mutex_);
      ++stats_.faults_injected;
    }
    return fault;
  }

  Awaitable<void> BeforeBody(Connection& connection, const FaultRule& fault) {
    if (fault.action == FaultAction::kResetBefore) Reset(connection);
    if (fault.action == FaultAction::kDelay) co_await Sleep(fault.delay);
  }

  Awaitable<void> InsteadOfAnswer(Connection& connection, const FaultRule& fault, Reply* reply) {
    switch (fault.action) {
      case FaultAction::kNoAnswer: {
        // Until the client gives up: its next byte, or its end, wakes this.
        char byte;
        co_await connection.stream.async_read_some(asio::buffer(&byte, 1), use_awaitable);
        throw ConnectionEnds();
      }
      case FaultAction::kLostAnswer: Reset(connection);
      case FaultAction::kStatus:
        *reply = ErrorReply(fault.status, fault.code, "This fault was asked for");
        if (fault.retry_after_s >= 0) {
          reply->headers.push_back({"retry-after", fmt::format("{}", fault.retry_after_s)});
        }
        break;
      case FaultAction::kWrongEtag:
        for (auto& header : reply->headers) {
          if (header.name == "etag") header.value = "\"00000000000000000000000000000000\"";
        }
        break;
      default: break;
    }
  }

  [[noreturn]] void Reset(Connection& connection) {
    boost::system::error_code ignored;
    connection.stream.set_option(asio::socket_base::linger(true, 0), ignored);
    connection.stream.close(ignored);
    throw ConnectionEnds();
  }

  Awaitable<void> Sleep(std::chrono::nanoseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(use_awaitable);
  }

  // Reads the body and does what the operation says, unless `stores` is false.
  Awaitable<Reply> CarryOut(Connection& connection, Parser& parser, const Call& call,
                            const std::optional<FaultRule>& fault, bool stores) {
    const bool is_put = call.operation == "PutObject";
    if (http::token_list(parser.get()[http::field::expect]).exists("100-continue")) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(connection.stream, asio::buffer(kContinue), use_awaitable);
    }
    const std::uint64_t reset_after =
        fault && fault->action == FaultAction::kResetInBody ? fault->after_bytes : UINT64_MAX;
    auto upload = is_put ? store_.NewUpload() : nullptr;
    StreamHash hash;
    std::uint64_t size = 0;
    while (!parser.is_done()) {
      const auto bytes = co_await ReadChunk(connection, parser);
      size += bytes.size();
      if (size > reset_after) Reset(connection);
      hash.Update(bytes);
      if (upload && stores) upload->Write(bytes);
      if (const auto wait = pace_.Take(bytes.size()); wait.count() > 0) co_await Sleep(wait);
    }
    // A body that ended at or before the byte where the reset was due is still not answered.
    if (reset_after != UINT64_MAX) Reset(connection);
    if (!stores) co_return Reply{};
    if (is_put) co_return PutObject(&store_, call, std::move(upload), hash.Finish(), size);
    co_return Answer(&store_, call, options_);
  }

  Awaitable<std::string_view> ReadChunk(Connection& connection, Parser& parser) {
    auto& body = parser.get().body();
    body.data = connection.chunk.data();
    body.size = connection.chunk.size();
    boost::system::error_code error;
    co_await http::async_read_some(connection.stream, connection.buffer, parser,
                                   asio::redirect_error(use_awaitable, error));
    if (error && error != http::error::need_buffer) throw boost::system::system_error(error);
    co_return std::string_view(connection.chunk.data(), connection.chunk.size() - body.size);
  }

  // False when the body was too long to be worth reading, or is not to be sent at all.
  Awaitable<bool> Drain(Connection& connection, Parser& parser) {
    if (parser.is_done()) co_return true;
    if (http::token_list(parser.get()[http::field::expect]).exists("100-continue")) co_return false;
    if (parser.content_length_remaining().value_or(kMaxDrainBytes + 1) > kMaxDrainBytes) co_return false;
    while (!parser.is_done()) co_await ReadChunk(connection, parser);
    co_return true;
  }

  std::string NextRequestId() {
    return fmt::format("{:016X}", request_ids_.fetch_add(1, std::memory_order_relaxed));
  }

  Awaitable<bool> Send(Connection& connection, const Reply& reply, bool keep_alive) {
    http::response<http::buffer_body> response;
    response.result(static_cast<unsigned>(reply.status));
    response.version(11);
    response.set(http::field::server, "s3flow");
    response.set("x-amz-request-id", NextRequestId());
    response.set(http::field::date, HttpDateNow());
    for (const auto& [name, value] : reply.headers) response.insert(name, value);
    response.keep_alive(keep_alive);
    const bool described = reply.data != nullptr || reply.head_only;
    const std::uint64_t length = described && reply.body.empty() ? reply.content_length : reply.body.size();
    if (reply.status != 204) response.content_length(length);
    response.body().more = true;

    http::response_serializer<http::buffer_body> serializer(response);
    if (reply.head_only) serializer.split(true);
    co_await http::async_write_header(connection.stream, serializer, use_awaitable);
    if (!reply.head_only) {
      if (reply.data) {
        co_await SendData(connection, reply);
      } else if (!reply.body.empty()) {
        co_await asio::async_write(connection.stream, asio::buffer(reply.body), use_awaitable);
      }
    }
    if (!keep_alive) {
      boost::system::error_code ignored;
      connection.stream.shutdown(tcp::socket::shutdown_send, ignored);
      co_await LingerUntilClosed(connection);
    }
    co_return keep_alive;
  }

  // Reads on for a moment after the last answer: closing with unread data would send a reset that
  // can overtake the answer.
  Awaitable<void> LingerUntilClosed(Connection& connection) {
    constexpr std::uint64_t kMaxLingerBytes = 64 << 20;
    std::uint64_t total = 0;
    boost::system::error_code error;
    while (!error && total < kMaxLingerBytes) {
      total += co_await connection.stream.async_read_some(asio::buffer(connection.chunk),
                                                          asio::redirect_error(use_awaitable, error));
    }
  }

  Awaitable<void> SendData(Connection& connection, const Reply& reply) {
    std::uint64_t offset = reply.data_offset, left = reply.content_length;
    while (left > 0) {
      const auto bytes = reply.data->Read(offset, std::min<std::uint64_t>(left, kChunkBytes));
      if (bytes.empty()) throw ConnectionEnds();
      co_await asio::async_write(connection.stream, asio::buffer(bytes), use_awaitable);
      offset += bytes.size();
      left -= bytes.size();
    }
  }

  static std::string HttpDateNow();

  const ServerOptions options_;
  Store store_;
  FaultPlan faults_;
  Pace pace_;
  mutable std::mutex stats_mutex_;
  ServerStats stats_;
  std::map<std::string, int> in_flight_;
  std::atomic<std::uint64_t> request_ids_{1};
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::vector<std::thread> threads_;
};

std::string Server::Impl::HttpDateNow() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text, length};
}

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;
int Server::port() const { return impl_->port(); }
std::string Server::endpoint() const { return fmt::format("http://{}:{}", impl_->address(), port()); }
Store& Server::store() { return impl_->store(); }
ServerStats Server::stats() const { return impl_->stats(); }

}  // namespace s3::endpoint
