#include "s3/response_parser.h"

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <optional>
#include <utility>

namespace s3 {
namespace {

namespace http = boost::beast::http;
using ErrorCode = boost::beast::error_code;
using Text = boost::beast::string_view;

std::string_view View(Text text) { return {text.data(), text.size()}; }

constexpr std::size_t kLastChunkBytes = std::string_view("0\r\n\r\n").size();

// Writes what Beast finds into an HttpResponse.
class Message final : public http::basic_parser<false> {
 public:
  Message(bool to_head, HttpResponse* response) : response_(response) {
    skip(to_head);
    eager(true);
    header_limit(static_cast<std::uint32_t>(HttpResponse::kMaxHeaderBytes));
    body_limit(boost::none);  // ours cuts off instead
  }

 private:
  void on_request_impl(http::verb, Text, Text, int, ErrorCode&) override {}

  void on_response_impl(int code, Text reason, int, ErrorCode&) override {
    response_->status = code;
    auto& headers = response_->headers;
    headers.AppendLine("HTTP/1.1 ");
    headers.AppendLine(std::to_string(code));
    headers.AppendLine(" ");
    headers.AppendLine(View(reason));
    headers.AppendLine("\r\n");
  }

  // Trailer fields come here too, and are ignored: they must not pass for headers (RFC 9110, section 6.5.1).
  void on_field_impl(http::field, Text name, Text value, ErrorCode&) override {
    if (header_ended_) return;
    auto& headers = response_->headers;
    headers.AppendLine(View(name));
    headers.AppendLine(": ");
    headers.AppendLine(View(value));
    headers.AppendLine("\r\n");
  }

  void on_header_impl(ErrorCode&) override { header_ended_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  void on_chunk_header_impl(std::uint64_t, Text, ErrorCode&) override {}
  void on_finish_impl(ErrorCode&) override {}

  std::size_t on_body_impl(Text body, ErrorCode& error) override { return Append(body, error); }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, ErrorCode& error) override {
    return Append(body, error);
  }

  std::size_t Append(Text body, ErrorCode& error) {
    if (response_->body.size() + body.size() > HttpResponse::kMaxBodyBytes) {
      response_->body_truncated = true;
      error = http::error::body_limit;
      return 0;
    }
    response_->body.append(body.data(), body.size());
    return body.size();
  }

  HttpResponse* const response_;
  bool header_ended_ = false;
};

}  // namespace

struct ResponseParser::Parser {
  std::optional<Message> message;  // Beast's parsers are for one message each
};

ResponseParser::ResponseParser() : parser_(std::make_unique<Parser>()) {}
ResponseParser::~ResponseParser() = default;

void ResponseParser::Begin(bool to_head, HttpResponse* response) {
  response_ = response;
  to_head_ = to_head;
  started_ = started_final_ = more_behind_ = false;
  bytes_ = 0;
  interim_responses_ = 0;
  std::string().swap(rest_);  // a hostile server's may be large
  problem_.clear();
  parser_->message.emplace(to_head, response);
}

ResponseParser::State ResponseParser::Take(std::string_view bytes) {
  started_ |= !bytes.empty();
  started_final_ |= !bytes.empty();
  bytes_ += bytes.size();
  if (!rest_.empty()) bytes = rest_.append(bytes);
  // No chunked body ends with fewer, and Beast (1.81) asserts that the last chunk does not come in smaller
  // pieces.
  if (parser_->message->is_header_done() && parser_->message->chunked() && bytes.size() < kLastChunkBytes) {
    return KeepUnlessTooMuch(bytes, State::kIncomplete);
  }
  for (bool interim = false;; interim = true) {
    ErrorCode error;
    bytes.remove_prefix(parser_->message->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error));
    if (error == http::error::body_limit) return State::kCutOff;
    if (error && error != http::error::need_more) return Malformed("no HTTP answer: " + error.message());
    if (!parser_->message->is_done()) {
      return KeepUnlessTooMuch(bytes, interim ? State::kInterim : State::kIncomplete);
    }
    // 101 would be an answer to something that we never ask for.
    if (response_->status / 100 != 1 || response_->status == 101) {
      more_behind_ = !bytes.empty();
      return State::kComplete;
    }
    if (++interim_responses_ > HttpResponse::kMaxInterim) return Malformed("too many interim responses");
    response_->status = 0;
    response_->headers.Clear();
    parser_->message.emplace(to_head_, response_);
    started_final_ = !bytes.empty();
    if (bytes.empty()) return KeepUnlessTooMuch(bytes, State::kInterim);
  }
}

ResponseParser::State ResponseParser::End() {
  if (!started_) return Malformed("the connection was closed without an answer");
  ErrorCode error;
  if (parser_->message->got_some()) {
    parser_->message->put_eof(error);
    if (!error) return State::kComplete;
  }
  return Malformed("the connection was closed within the answer");
}

bool ResponseParser::keeps_alive() const {
  return !more_behind_ && response_->status != 101 && parser_->message->keep_alive();
}

ResponseParser::State ResponseParser::Malformed(std::string problem) {
  problem_ = std::move(problem);
  return State::kMalformed;
}

// Keeps `rest`, which may be the end of rest_. Beast limits header blocks, not chunk extensions and trailers.
ResponseParser::State ResponseParser::KeepUnlessTooMuch(std::string_view rest, State state) {
  if (bytes_ - response_->body.size() > HttpResponse::kMaxFramingBytes)
    return Malformed("too many bytes that are not its body");
  const bool is_kept = !rest_.empty() && !rest.empty();
  if (is_kept) {
    rest_.erase(0, rest_.size() - rest.size());
  } else {
    rest_ = rest;
  }
  return state;
}

}  // namespace s3
