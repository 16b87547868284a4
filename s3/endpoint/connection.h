// One client connection of the endpoint: reads requests and sends replies, in coroutines on its strand.
#pragma once

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"

namespace s3::endpoint {

// Thrown to end a connection. Not an error of the endpoint.
struct ConnectionEnds {};

class Connection {
 public:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  // `limits` is not owned.
  Connection(boost::asio::ip::tcp::socket socket, const ClientLimits& limits)
      : limits_(limits),
        stream_(std::move(socket)),
        chunk_(std::make_unique_for_overwrite<char[]>(kChunkBytes)) {}

  // Every Awaitable throws boost::system::system_error if the client closed the connection or is too slow.
  Awaitable<Call> ReadHeaders(Parser* parser);
  Awaitable<void> SendContinue(const Parser& parser);
  // Returns the next bytes of the body, in a buffer that is valid until the next call. The caller may change
  // the bytes.
  Awaitable<std::span<char>> ReadChunk(Parser* parser);
  // Reads and drops the body of a refused request. Returns false if the body is longer than 1 MiB, or if the
  // client still waits for a 100 Continue. Then the caller must close the connection after the reply.
  Awaitable<bool> Drain(Parser* parser);
  // Returns true if the connection can carry another request.
  Awaitable<bool> Send(const Reply& reply, std::string_view request_id, bool keep_alive);

  [[noreturn]] void Reset();
  // Waits until the client sends a byte or closes the connection, then ends the connection. Sends nothing.
  Awaitable<void> StaySilent();
  static Awaitable<void> Sleep(std::chrono::nanoseconds time);

 private:
  Awaitable<void> SendBytes(std::string_view bytes);
  Awaitable<void> SendData(const Reply& reply);
  Awaitable<void> LingerUntilClosed();

  // AllowStall sets the deadline for the next bytes of a body or a reply. Call Moved when these bytes have
  // moved; Moved adds the time since AllowStall to `waited_`.
  void AllowStall();
  void Moved(std::uint64_t bytes);

  static constexpr std::size_t kChunkBytes = 256 << 10;

  const ClientLimits& limits_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  const std::unique_ptr<char[]>
      chunk_;  // not initialised, so that its pages need memory only if there is a body
  std::chrono::steady_clock::time_point waits_since_{};
  std::chrono::steady_clock::duration waited_{};  // waiting time since `moved_bytes_` was last set to 0
  std::uint64_t moved_bytes_ = 0;                 // set to 0 when it reaches `stall_bytes`
};

}  // namespace s3::endpoint
