#include "s3/transport/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace s3 {
namespace {

constexpr std::string_view kUserAgent = "s3flow/" S3FLOW_VERSION;
constexpr std::string_view kEnd = "\r\n";
constexpr std::string_view kExpect = "Expect: 100-continue\r\n";

}  // namespace

bool Exchange::Prepare(const HttpRequest& request, HttpResponse* response, Wake wake) {
  response_ = response;
  wake_ = wake;
  endpoint_ = request.endpoint;
  // This function writes all heads, so its check covers every value from every source.
  if (const auto problem = HeadProblem(request)) {
    response_->failure =
        Error{.kind = ErrorKind::kPermanent, .message = "the request was not sent: " + *problem};
    return false;
  }
  origin_ = endpoint_.Url();
  needs_fresh_connection_ = request.fresh_connection;
  may_cancel_if_slow_ = request.give_up_when_slow;
  responds_late_ = request.responds_late;
  is_head_request_ = request.method == "HEAD";
  pieces_.assign(1, {});  // for the head
  if (request.body_pieces.empty()) {
    if (!request.body.empty()) pieces_.push_back(request.body);
  } else {
    for (const auto piece : request.body_pieces) {
      if (!piece.empty()) pieces_.push_back(piece);
    }
  }
  file_ = request.body_file;
  body_bytes_ = request.body_bytes();
  WriteHead(request);
  moved_bytes_ = moved_before_window_ = 0;
  connection = nullptr;
  return true;
}

// Returns an upper bound of the head's size in bytes, so that the memory is reserved at once. A string that
// grows step by step needs up to twice the memory, and thousands of heads exist at the same time.
std::size_t Exchange::HeadBytes(const HttpRequest& request, std::string_view query) const {
  constexpr std::size_t kRest = 128;  // more than WriteHead and Rewind add besides the counted texts
  auto bytes = kRest + request.method.size() + request.path.size() + query.size() + 2 * endpoint_.host.size();
  for (const auto& [name, value] : request.headers) bytes += name.size() + value.size() + 4;
  for (const auto& [name, value] : request.secret_headers) bytes += name.size() + value.Reveal().size() + 4;
  return bytes;
}

void Exchange::WriteHead(const HttpRequest& request) {
  const auto query = request.query.empty() ? std::string() : CanonicalQuery(request.query);
  head_.clear();
  head_.reserve(HeadBytes(request, query));
  head_.assign(request.method).append(" ").append(request.path);
  if (!query.empty()) head_.append("?").append(query);
  head_.append(" HTTP/1.1\r\n");
  bool has_host = false;
  for (const auto& [name, value] : request.headers) {
    has_host |= name == "host";
    head_.append(name).append(value.empty() ? ":" : ": ").append(value).append(kEnd);
  }
  head_is_secret_ = !request.secret_headers.empty();
  for (const auto& [name, value] : request.secret_headers) {
    head_.append(name).append(": ").append(value.Reveal()).append(kEnd);
  }
  if (!has_host) head_.append("host: ").append(endpoint_.HostHeader()).append(kEnd);
  head_.append("User-Agent: ").append(kUserAgent).append(kEnd);
  if (!is_head_request_ && request.method != "GET") {
    head_.append("Content-Length: ").append(std::to_string(body_bytes_)).append(kEnd);
  }
  head_bytes_without_end_ = head_.size();
}

void Exchange::Rewind(bool expect_continue) {
  head_.resize(head_bytes_without_end_);
  if (expect_continue) head_.append(kExpect);
  head_.append(kEnd);
  pieces_[0] = head_;
  piece_ = piece_offset_ = 0;
  file_sent_ = body_sent_ = 0;
  expects_continue_ = awaits_continue_ = expect_continue;
  began_early_ = met_tls_ = false;
  response_began_ = Clock::time_point::max();
  response_->status = 0;
  response_->headers.Clear();
  response_->body.clear();
  response_->body_truncated = false;
  parser_.Begin(is_head_request_, response_);
}

bool Exchange::HasContinueTimedOut(Clock::time_point now) const {
  return awaits_continue_ && piece_ == 1 && now - continue_awaited_since_ > kContinueTimeout;
}

std::span<const iovec> Exchange::Unsent(std::span<iovec> pieces) const {
  const auto count = std::min(sendable_pieces() - std::min(piece_, sendable_pieces()), pieces.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto unsent = pieces_[piece_ + i].substr(i == 0 ? piece_offset_ : 0);
    pieces[i] = {const_cast<char*>(unsent.data()), unsent.size()};
  }
  return pieces.first(count);
}

FileRange Exchange::UnsentFile() const {
  if (awaits_continue_ || piece_ < pieces_.size()) return {};
  return {file_.fd, file_.offset + file_sent_, file_.bytes - file_sent_};
}

void Exchange::Sent(std::size_t bytes, Clock::time_point now) {
  moved_bytes_ += bytes;
  const auto head_left = piece_ == 0 ? pieces_[0].size() - piece_offset_ : 0;
  body_sent_ += bytes - std::min<std::uint64_t>(bytes, head_left);
  if (piece_ == pieces_.size()) {
    file_sent_ += bytes;
    return;
  }
  while (bytes > 0) {
    const auto left = pieces_[piece_].size() - piece_offset_;
    if (bytes < left) {
      piece_offset_ += bytes;
      return;
    }
    bytes -= left;
    ++piece_;
    piece_offset_ = 0;
  }
  if (awaits_continue_ && piece_ == 1) continue_awaited_since_ = now;
}

ResponseParser::State Exchange::Received(std::string_view bytes, bool is_early, Clock::time_point now) {
  if (sent_all()) {
    moved_bytes_ += bytes.size();
    response_began_ = std::min(response_began_, now);
  }
  // A TLS alert begins with type 21, version 3.x (RFC 8446, section 5.1).
  if (!parser_.started() && bytes.starts_with("\x15\x03")) met_tls_ = true;
  const auto state = parser_.Take(bytes);
  // An interim response may come at any time, so it is never early.
  if (state == ResponseParser::State::kInterim) awaits_continue_ = began_early_ = false;
  began_early_ = began_early_ || (is_early && parser_.started_final());
  return state;
}

bool Exchange::IsOverdue(Clock::time_point now) const {
  return response_began_ < now && now - response_began_ > options_.response_timeout;
}

bool Exchange::HasStalled(Clock::time_point now) {
  if (moved_bytes_ - moved_before_window_ >= options_.stall_bytes) {
    moved_before_window_ = moved_bytes_;
    stall_window_began_ = now;
  }
  return now - stall_window_began_ > stall_window();
}

std::chrono::milliseconds Exchange::stall_window() const {
  const bool is_late = responds_late_ && sent_all();
  return is_late ? std::max(options_.stall_window, options_.completion_window) : options_.stall_window;
}

// A server may refuse a request before it has received the whole body. But it cannot store a body that it has
// not received, so a success that comes early is an error.
void Exchange::Complete() {
  if (began_early_ && response_->status < 300)
    Fail(ErrorKind::kTransient, "the server reported success before the whole body was sent");
}

void Exchange::Fail(ErrorKind kind, std::string_view what) {
  response_->failure = Error{.kind = kind, .message = fmt::format("{}: {}", endpoint_.HostAndPort(), what)};
}

void Exchange::FailUnreadable(Error file_error) { response_->failure = std::move(file_error); }

void Exchange::FailSlow() {
  response_->failure =
      Error{.kind = ErrorKind::kSlow, .message = "cancelled: far slower than other requests of similar size"};
}

void Exchange::FailStalled() {
  response_->failure =
      Error{.kind = ErrorKind::kTransient,
            .message = fmt::format("network timeout: fewer than {} bytes moved to or from {} in {} ms",
                                   options_.stall_bytes, endpoint_.HostAndPort(), stall_window().count())};
}

void Exchange::FailOverdue() {
  response_->failure = Error{
      .kind = ErrorKind::kTransient,
      .message = fmt::format("network timeout: {} did not end its response within {} ms after its first byte",
                             endpoint_.HostAndPort(), options_.response_timeout.count())};
}

void Exchange::FailCancelled() {
  response_->failure =
      Error{.kind = ErrorKind::kCancelled, .message = "the run was stopped during the request"};
}

}  // namespace s3
