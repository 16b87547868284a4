#include "s3/endpoint/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <system_error>
#include <thread>

#include "s3/base/mutex.h"
#include "s3/base/text.h"
#include "s3/base/token_bucket.h"
#include "s3/endpoint/bandwidth_limiter.h"
#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/connection.h"
#include "s3/endpoint/emulate_profile.h"
#include "s3/endpoint/faults.h"
#include "s3/endpoint/operations/copy.h"
#include "s3/endpoint/operations/delete_objects.h"
#include "s3/endpoint/operations/multipart.h"
#include "s3/endpoint/operations/objects.h"
#include "s3/endpoint/statistics.h"
#include "s3/endpoint/verify.h"

namespace s3::endpoint {
namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
template <typename T>
using Awaitable = asio::awaitable<T>;

// Creates random credentials if the options have none, with AWS's lengths of 20 and 40 characters.
ServerOptions WithCredentials(ServerOptions options) {
  if (options.access_key_id.empty() != options.secret_access_key.empty()) {
    throw std::runtime_error("the endpoint's credentials need both an access key ID and a secret");
  }
  if (options.access_key_id.empty()) {
    options.access_key_id = "S3FLOW" + HexEncode(RandomBytes(7));
    options.secret_access_key = Secret(HexEncode(RandomBytes(20)));
  }
  return options;
}

bool IsData(const Call& call) { return call.operation == "PutObject" || call.operation == "UploadPart"; }

}  // namespace

class Server::Impl {
 public:
  explicit Impl(ServerOptions options)
      : options_(WithCredentials(std::move(options))),
        store_(options_.storage, options_.directory),
        faults_(options_.faults),
        bandwidth_(options_.bandwidth_bytes),
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
  Credentials credentials() const { return {options_.access_key_id, options_.secret_access_key, Secret()}; }
  Uploads& uploads() { return uploads_; }

  ServerStats stats() const { return statistics_.Read(); }

 private:
  // Passes the record of one request to `on_request` at the end of its life, however the request ends.
  class RecordedRequest {
   public:
    RecordedRequest(const Call& call, const std::function<void(const RequestRecord&)>& on_request)
        : on_request_(on_request), start_(std::chrono::steady_clock::now()) {
      if (on_request_ == nullptr) return;
      record_ = {.method = call.method, .operation = call.operation, .path = call.raw_path};
      const auto length = call.FindHeader("content-length").value_or("0");
      std::from_chars(length.data(), length.data() + length.size(), record_.body_bytes);
    }
    ~RecordedRequest() {
      if (on_request_ == nullptr) return;
      record_.took = std::chrono::steady_clock::now() - start_;
      on_request_(record_);
    }
    RecordedRequest(const RecordedRequest&) = delete;
    RecordedRequest& operator=(const RecordedRequest&) = delete;

    RequestRecord* operator->() { return &record_; }

   private:
    const std::function<void(const RequestRecord&)>& on_request_;
    const std::chrono::steady_clock::time_point start_;
    RequestRecord record_;
  };

  Awaitable<void> AcceptForever() {
    constexpr std::chrono::milliseconds kPause{10};
    for (;;) {
      while (statistics_.connections() >= options_.clients.connections) co_await Connection::Sleep(kPause);
      boost::system::error_code error;
      auto socket =
          co_await acceptor_.async_accept(asio::make_strand(io_), asio::redirect_error(use_awaitable, error));
      if (error) {
        // No file descriptor is left, or the client closed the connection at once. The endpoint continues in
        // both cases.
        co_await Connection::Sleep(kPause);
        continue;
      }
      socket.set_option(tcp::no_delay(true), error);
      const auto executor = socket.get_executor();
      auto connection = std::make_unique<Connection>(std::move(socket), options_.clients);
      asio::co_spawn(executor,
                     Serve(std::move(connection), std::make_unique<Statistics::OpenConnection>(&statistics_)),
                     asio::detached);
    }
  }

  Awaitable<void> Serve(std::unique_ptr<Connection> connection, std::unique_ptr<Statistics::OpenConnection>) {
    try {
      while (co_await ServeOne(*connection)) {
      }
    } catch (const ConnectionEnds&) {
    } catch (const boost::system::system_error&) {
      // The client closed the connection. An incomplete request is not stored.
    }
  }

  // Returns true if the connection can carry another request.
  Awaitable<bool> ServeOne(Connection& connection) {
    Connection::Parser parser;
    parser.body_limit(boost::none);
    Call call = co_await connection.ReadHeaders(&parser);
    const bool well_formed = ParseTarget(&call, options_.domain);
    const Statistics::RequestInFlight counted(&statistics_,
                                              call.operation.empty() ? "Unknown" : call.operation);

    RecordedRequest recorded(call, options_.on_request);
    const auto fault = NextFault(call);
    recorded->has_fault = fault.has_value();
    if (fault && fault->action == FaultAction::kResetBefore) connection.Reset();
    if (fault && fault->action == FaultAction::kDelay) co_await Connection::Sleep(fault->delay);
    auto refusal =
        well_formed ? CheckBeforeBody(call) : ErrorReply(400, "InvalidURI", "Couldn't parse the URI.");
    if (refusal) {
      refusal->head_only = call.method == "HEAD";
      recorded->status = refusal->status;
      const bool drained = co_await connection.Drain(&parser);
      co_return co_await connection.Send(*refusal, NextRequestId(), drained && parser.keep_alive());
    }
    Reply reply = co_await ExecuteOrReportError(connection, &parser, call, fault);
    const bool drained =
        co_await connection.Drain(&parser);  // the rest, if the body was refused before its end
    if (fault) co_await ApplyFault(connection, *fault, &reply);
    reply.head_only = call.method == "HEAD";
    recorded->status = reply.status;
    if (options_.latency.count() > 0) co_await Connection::Sleep(NextLatency());
    co_return co_await connection.Send(reply, NextRequestId(), drained && parser.keep_alive());
  }

  // Turns an exception (a full disk, for example) into a 500.
  Awaitable<Reply> ExecuteOrReportError(Connection& connection, Connection::Parser* parser, const Call& call,
                                        const std::optional<FaultRule>& fault) {
    try {
      co_return co_await ReceiveAndExecute(connection, parser, call, fault);
    } catch (const boost::system::system_error&) {
      throw;  // the client closed the connection
    } catch (const std::exception& error) {
      co_return ErrorReply(500, "InternalError", XmlEscape(error.what()));
    }
  }

  // Makes all checks that do not need the body. Returns the refusal of the request; nothing if it passes.
  std::optional<Reply> CheckBeforeBody(const Call& call) {
    if (call.headers.size() > options_.clients.headers) {
      return ErrorReply(400, "RequestHeaderSectionTooLarge", "The request has too many headers.");
    }
    if (options_.requests_per_second > 0 && !TakeRequest()) {
      statistics_.CountSlowDown();
      return ErrorReply(503, "SlowDown", "Please reduce your request rate.");
    }
    if (call.operation.empty()) {
      return ErrorReply(501, "NotImplemented", "This endpoint does not support this operation");
    }
    if (auto refusal = VerifySignature(call, options_, std::chrono::system_clock::now())) {
      statistics_.CountRefusedSignature();
      return refusal;
    }
    for (const auto& name : options_.refused_headers) {
      if (!call.FindHeader(name)) continue;
      statistics_.CountRefusedHeader();
      return ErrorReply(501, "NotImplemented",
                        "A header you provided implies functionality that is not implemented: " + name);
    }
    if (IsData(call) || IsMultipart(call.operation) || call.operation == "CopyObject") {
      if (auto refusal = CheckWrite(store_, call)) return refusal;
    }
    if (call.operation == "UploadPart") {
      if (auto refusal = CheckUploadPart(uploads_, call)) return refusal;
    }
    if (call.operation == "DeleteObjects") {
      if (!store_.HasBucket(call.bucket)) return NoSuchBucket();
      if (auto refusal = CheckDeleteObjects(call)) return refusal;
    }
    if (options_.emulated_profile != nullptr) {
      if (auto refusal = EmulatedRefusal(*options_.emulated_profile, call)) return refusal;
    }
    return IsData(call) ? CheckBodyHeaders(call) : std::nullopt;
  }

  std::chrono::nanoseconds NextLatency() {
    if (options_.jitter == 0) return options_.latency;
    const MutexLock lock(latency_mutex_);
    return std::chrono::duration_cast<std::chrono::nanoseconds>(options_.latency * spread_(latencies_));
  }

  bool TakeRequest() {
    const auto now = TokenBucket::Clock::now();
    const MutexLock lock(rate_mutex_);
    request_rate_.SetRate(options_.requests_per_second, now);
    if (!request_rate_.Ready(now)) return false;
    request_rate_.Take(1);
    return true;
  }

  std::optional<FaultRule> NextFault(const Call& call) {
    auto fault = faults_.Next(call.operation, call.key);
    // A flipped bit is counted when it is flipped, because the request may have no body.
    if (fault && fault->action != FaultAction::kFlipBit) statistics_.CountFault();
    return fault;
  }

  Awaitable<void> ApplyFault(Connection& connection, const FaultRule& fault, Reply* reply) {
    if (fault.action == FaultAction::kNoResponse) co_await connection.StaySilent();
    if (fault.action == FaultAction::kLostResponse) connection.Reset();
    ApplyToReply(fault, reply);
  }

  // Reads the body and executes the operation, unless the fault prevents it.
  Awaitable<Reply> ReceiveAndExecute(Connection& connection, Connection::Parser* parser, const Call& call,
                                     const std::optional<FaultRule>& fault) {
    co_await connection.SendContinue(*parser);
    const std::uint64_t reset_after =
        fault && fault->action == FaultAction::kResetInBody ? fault->after_bytes : UINT64_MAX;
    bool flip = fault && fault->action == FaultAction::kFlipBit;
    const bool executes = IsExecuted(fault);
    const bool is_data = IsData(call);
    const auto checksum = call.operation == "UploadPart" ? ChecksumOfUpload(uploads_, call) : "";
    std::unique_ptr<ObjectUpload> upload;
    if (is_data) upload = executes ? store_.NewUpload() : MakeNullUpload();
    BodyReceiver receiver(call, options_, std::move(upload), checksum);
    std::uint64_t size = 0;
    while (!parser->is_done()) {
      const auto bytes = co_await connection.ReadChunk(parser);
      size += bytes.size();
      if (size > reset_after) connection.Reset();
      if (flip && !bytes.empty()) {
        const auto bit = random_.fetch_add(0x9e3779b97f4a7c15) >> 16;
        bytes[bit / 8 % bytes.size()] ^= static_cast<char>(1 << bit % 8);
        flip = false;
        statistics_.CountFault();
      }
      if (auto refusal = receiver.Take({bytes.data(), bytes.size()})) co_return *refusal;
      if (const auto wait = bandwidth_.Take(bytes.size()); wait.count() > 0) co_await Connection::Sleep(wait);
    }
    // The body is shorter than `reset_after`, so the reset happens at its end.
    if (reset_after != UINT64_MAX) connection.Reset();
    if (auto refusal = receiver.Finish()) co_return *refusal;
    if (!executes) co_return Reply{};
    co_return Execute(call, receiver.Result());
  }

  Reply Execute(const Call& call, ReceivedBody body) {
    const auto& operation = call.operation;
    if (operation == "PutObject") return PutObject(&store_, call, std::move(body), options_);
    if (operation == "UploadPart") return UploadPart(&uploads_, call, std::move(body));
    if (operation == "CreateMultipartUpload") return CreateMultipartUpload(&uploads_, call);
    if (operation == "CompleteMultipartUpload") {
      return CompleteMultipartUpload(&uploads_, &store_, call, body.text, options_);
    }
    if (operation == "CopyObject") return CopyObject(&store_, call, options_);
    if (operation == "DeleteObjects") return DeleteObjects(&store_, call, body.text);
    if (operation == "PutObjectTagging") {
      const auto tagging = ParseTaggingXml(body.text);
      if (!tagging) return ErrorReply(400, "MalformedXML", "The XML you provided was not well-formed");
      return SetTagging(&store_, call, *tagging);
    }
    if (operation == "AbortMultipartUpload") return AbortMultipartUpload(&uploads_, call);
    if (operation == "ListParts") return ListParts(uploads_, call);
    if (operation == "ListMultipartUploads") return ListMultipartUploads(uploads_, call);
    return ExecuteWithoutBody(&store_, call, options_);
  }

  std::string NextRequestId() {
    return fmt::format("{:016X}", request_ids_.fetch_add(1, std::memory_order_relaxed));
  }

  const ServerOptions options_;
  Store store_;
  Uploads uploads_;
  FaultPlan faults_;
  BandwidthLimiter bandwidth_;
  Statistics statistics_;
  Mutex rate_mutex_;
  TokenBucket request_rate_ S3_GUARDED_BY(rate_mutex_);
  std::atomic<std::uint64_t> request_ids_{1};
  std::atomic<std::uint64_t> random_{1};  // positions of flipped bits: scattered, and the same in each run
  Mutex latency_mutex_;
  std::mt19937_64 latencies_ S3_GUARDED_BY(latency_mutex_);  // default seed: the same in each run
  std::lognormal_distribution<double> spread_ S3_GUARDED_BY(latency_mutex_){0, options_.jitter};
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::vector<std::thread> threads_;
};

Server::Server(ServerOptions options) try : impl_(std::make_unique<Impl>(std::move(options))) {
} catch (const boost::system::system_error& error) {  // in Boost 1.74 it is no std::system_error
  throw std::system_error(error.code());
}
Server::~Server() = default;
int Server::port() const { return impl_->port(); }
std::string Server::endpoint() const { return fmt::format("http://{}:{}", impl_->address(), port()); }
Store& Server::store() { return impl_->store(); }
Credentials Server::credentials() const { return impl_->credentials(); }
std::size_t Server::CountUploads(const std::string& bucket) const {
  return impl_->uploads().OfBucket(bucket).size();
}
ServerStats Server::stats() const { return impl_->stats(); }

}  // namespace s3::endpoint
