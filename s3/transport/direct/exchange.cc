#include "s3/transport/direct/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace s3 {
namespace {

constexpr std::string_view kEnd = "\r\n";
constexpr std::string_view kExpect = "Expect: 100-continue\r\n";

}  // namespace

bool Exchange::Prepare(const HttpRequest& request, HttpResponse* response, Wake wake) {
  if (!Accept(request, response, wake)) return false;
  pieces_.assign(1, {});  // for the head
  if (request.body_pieces.empty()) {
    if (!request.body.empty()) pieces_.push_back(request.body);
  } else {
    for (const auto piece : request.body_pieces) {
      if (!piece.empty()) pieces_.push_back(piece);
    }
  }
  file_ = request.body_file;
  WriteHead(request);
  connection = nullptr;
  return true;
}

// Returns an upper bound of the head's size in bytes, so that the memory is reserved at once. A string that
// grows step by step needs up to twice the memory, and thousands of heads exist at the same time.
std::size_t Exchange::HeadBytes(const HttpRequest& request, std::string_view query) const {
  constexpr std::size_t kRest = 128;  // more than WriteHead and Rewind add besides the counted texts
  auto bytes =
      kRest + request.method.size() + request.path.size() + query.size() + 2 * endpoint().host.size();
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
  if (!has_host) head_.append("host: ").append(endpoint().HostHeader()).append(kEnd);
  head_.append("User-Agent: ").append(kUserAgent).append(kEnd);
  if (!is_head_request_ && request.method != "GET") {
    head_.append("Content-Length: ").append(std::to_string(body_bytes())).append(kEnd);
  }
  head_bytes_without_end_ = head_.size();
}

void Exchange::Rewind(bool expect_continue) {
  head_.resize(head_bytes_without_end_);
  if (expect_continue) head_.append(kExpect);
  head_.append(kEnd);
  pieces_[0] = head_;
  piece_ = piece_offset_ = 0;
  file_sent_ = 0;
  RestartBody();
  expects_continue_ = awaits_continue_ = expect_continue;
  met_tls_ = false;
  ClearResponse();
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
  Moved(bytes);
  const auto head_left = piece_ == 0 ? pieces_[0].size() - piece_offset_ : 0;
  SentBody(bytes - std::min<std::uint64_t>(bytes, head_left));
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

// While the body waits for 100 Continue, the caller waits for the server.
void Exchange::NoteProgress(Clock::time_point now) const {
  const bool has_sent = sent_all() || (awaits_continue_ && sent_head());
  if (!has_sent) return EnterState(SlotState::kSending, now);
  EnterState(parser_.started_final() ? SlotState::kReceiving : SlotState::kFirstByte, now);
}

ResponseParser::State Exchange::Received(std::string_view bytes, bool is_early, Clock::time_point now) {
  if (sent_all()) {
    Moved(bytes.size());
    NoteResponse(now);
  }
  // A TLS alert begins with type 21, version 3.x (RFC 8446, section 5.1).
  if (!parser_.started() && bytes.starts_with("\x15\x03")) met_tls_ = true;
  const auto state = parser_.Take(bytes);
  // An interim response may come at any time, so it is never early.
  if (state == ResponseParser::State::kInterim) awaits_continue_ = began_early_ = false;
  began_early_ = began_early_ || (is_early && parser_.started_final());
  return state;
}

}  // namespace s3
