#include "s3/endpoint/connection.h"

#include <algorithm>
#include <ctime>

namespace s3::endpoint {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::use_awaitable;
using asio::ip::tcp;

// The body of a refused request is read and dropped up to this size, so that the client reads the reply. If
// the body is larger, the connection is closed.
constexpr std::uint64_t kMaxDrainBytes = 1 << 20;

bool WaitsForContinue(const Connection::Parser& parser) {
  return http::token_list(parser.get()[http::field::expect]).exists("100-continue");
}

std::string HttpDateNow() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text, length};
}

}  // namespace

void Connection::AllowStall() {
  waits_since_ = std::chrono::steady_clock::now();
  stream_.expires_after(limits_.stall_window -
                        std::min<std::chrono::steady_clock::duration>(waited_, limits_.stall_window));
}

void Connection::Moved(std::uint64_t bytes) {
  waited_ += std::chrono::steady_clock::now() - waits_since_;
  moved_bytes_ += bytes;
  if (moved_bytes_ < limits_.stall_bytes) return;
  moved_bytes_ = 0;
  waited_ = {};
}

Connection::Awaitable<Call> Connection::ReadHeaders(Parser* parser) {
  if (buffer_.size() == 0) {
    stream_.expires_after(limits_.idle);
    constexpr std::size_t kFirstBytes = 4096;
    buffer_.commit(co_await stream_.async_read_some(buffer_.prepare(kFirstBytes), use_awaitable));
  }
  stream_.expires_after(limits_.header);
  parser->header_limit(limits_.header_bytes);
  co_await http::async_read_header(stream_, buffer_, *parser, use_awaitable);
  const auto& request = parser->get();
  Call call;
  call.method = std::string(request.method_string());
  call.target = std::string(request.target());
  for (const auto& field : request) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    call.headers.push_back({std::move(name), std::string(field.value())});
  }
  waited_ = {};
  moved_bytes_ = 0;
  co_return call;
}

Connection::Awaitable<void> Connection::SendContinue(const Parser& parser) {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  if (WaitsForContinue(parser)) co_await SendBytes(kContinue);
}

Connection::Awaitable<std::span<char>> Connection::ReadChunk(Parser* parser) {
  auto& body = parser->get().body();
  body.data = chunk_.get();
  body.size = kChunkBytes;
  boost::system::error_code error;
  AllowStall();
  co_await http::async_read_some(stream_, buffer_, *parser, asio::redirect_error(use_awaitable, error));
  if (error && error != http::error::need_buffer) throw boost::system::system_error(error);
  const auto bytes = kChunkBytes - body.size;
  Moved(bytes);
  co_return std::span(chunk_.get(), bytes);
}

Connection::Awaitable<bool> Connection::Drain(Parser* parser) {
  if (parser->is_done()) co_return true;
  if (WaitsForContinue(*parser)) co_return false;
  if (parser->content_length_remaining().value_or(kMaxDrainBytes + 1) > kMaxDrainBytes) co_return false;
  while (!parser->is_done()) co_await ReadChunk(parser);
  co_return true;
}

Connection::Awaitable<bool> Connection::Send(const Reply& reply, std::string_view request_id,
                                             bool keep_alive) {
  http::response<http::buffer_body> response;
  response.result(static_cast<unsigned>(reply.status));
  response.version(11);
  response.set(http::field::server, "s3flow");
  response.set("x-amz-request-id", request_id);
  response.set(http::field::date, HttpDateNow());
  for (const auto& [name, value] : reply.headers) response.insert(name, value);
  response.keep_alive(keep_alive);
  const bool described = reply.data != nullptr || reply.head_only;
  const std::uint64_t length = described && reply.body.empty() ? reply.content_length : reply.body.size();
  if (reply.status != 204) response.content_length(length);
  response.body().more = true;

  http::response_serializer<http::buffer_body> serializer(response);
  if (reply.head_only) serializer.split(true);
  waited_ = {};
  moved_bytes_ = 0;
  AllowStall();
  co_await http::async_write_header(stream_, serializer, use_awaitable);
  if (!reply.head_only) {
    if (reply.data) {
      co_await SendData(reply);
    } else if (!reply.body.empty()) {
      co_await SendBytes(reply.body);
    }
  }
  if (!keep_alive) {
    boost::system::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    co_await LingerUntilClosed();
  }
  co_return keep_alive;
}

Connection::Awaitable<void> Connection::SendBytes(std::string_view bytes) {
  while (!bytes.empty()) {
    AllowStall();
    const auto sent =
        co_await stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), use_awaitable);
    Moved(sent);
    bytes.remove_prefix(sent);
  }
}

Connection::Awaitable<void> Connection::SendData(const Reply& reply) {
  std::uint64_t offset = reply.data_offset, left = reply.content_length;
  while (left > 0) {
    const auto bytes = reply.data->Read(offset, std::min<std::uint64_t>(left, kChunkBytes));
    if (bytes.empty()) throw ConnectionEnds();
    co_await SendBytes(bytes);
    offset += bytes.size();
    left -= bytes.size();
  }
}

// Continues to read after the last reply, until the client closes the connection or a limit is reached. If
// the socket were closed with unread data, the kernel would send a reset, which can arrive before the reply.
Connection::Awaitable<void> Connection::LingerUntilClosed() {
  constexpr std::uint64_t kMaxLingerBytes = 64 << 20;
  std::uint64_t total = 0;
  boost::system::error_code error;
  stream_.expires_after(limits_.stall_window);
  while (!error && total < kMaxLingerBytes) {
    total += co_await stream_.async_read_some(asio::buffer(chunk_.get(), kChunkBytes),
                                              asio::redirect_error(use_awaitable, error));
  }
}

void Connection::Reset() {
  boost::system::error_code ignored;
  stream_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
  stream_.socket().close(ignored);
  throw ConnectionEnds();
}

Connection::Awaitable<void> Connection::StaySilent() {
  char byte;
  stream_.expires_never();
  co_await stream_.async_read_some(asio::buffer(&byte, 1), use_awaitable);
  throw ConnectionEnds();
}

Connection::Awaitable<void> Connection::Sleep(std::chrono::nanoseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(use_awaitable);
}

}  // namespace s3::endpoint
