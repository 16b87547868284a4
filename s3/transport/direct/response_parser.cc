#include "s3/transport/direct/response_parser.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace s3 {
namespace {

constexpr std::size_t kMaxSizeDigits = 16;

// Returns the length of the head at the front of `text`, including its empty line; 0 when the head is
// incomplete. `from`: the search begins here, because no line ends before this position.
std::size_t HeadBytes(std::string_view text, std::size_t from) {
  for (auto end = text.find('\n', from); end != std::string_view::npos; end = text.find('\n', end + 1)) {
    const auto behind = text.substr(end + 1, 2);
    if (behind.empty()) continue;
    if (behind[0] == '\n') return end + 2;
    if (behind[0] == '\r' && behind.ends_with('\n')) return end + 3;
  }
  return 0;
}

}  // namespace

void ResponseParser::Begin(bool to_head, HttpResponse* response) {
  response_ = response;
  to_head_ = to_head;
  started_ = started_final_ = has_excess_bytes_ = false;
  keeps_alive_ = true;
  step_ = Step::kHead;
  left_ = bytes_ = 0;
  interim_responses_ = 0;
  std::string().swap(rest_);  // frees the memory, because a hostile server can make rest_ large
  std::string().swap(line_);
  problem_.clear();
}

ResponseParser::State ResponseParser::Take(std::string_view bytes) {
  started_ |= !bytes.empty();
  started_final_ |= !bytes.empty();
  bytes_ += bytes.size();
  bool interim = false;
  for (bool can_continue = true; can_continue && problem_.empty() && step_ != Step::kDone;) {
    switch (step_) {
      case Step::kHead: {
        const auto state = TakeHead(&bytes);
        interim |= state == State::kInterim;
        can_continue = state != State::kIncomplete;
        break;
      }
      case Step::kBody:
      case Step::kChunkData: can_continue = TakeData(&bytes); break;
      case Step::kChunkSize: can_continue = TakeChunkSize(&bytes); break;
      case Step::kChunkEnd: can_continue = TakeChunkEnd(&bytes); break;
      case Step::kTrailers: can_continue = TakeTrailers(&bytes); break;
      case Step::kDone: break;
    }
    if (response_->body_truncated) return State::kCutOff;
  }
  if (!problem_.empty()) return State::kMalformed;
  if (step_ == Step::kDone) {
    has_excess_bytes_ = !bytes.empty();
    return State::kComplete;
  }
  if (bytes_ - response_->body.size() > HttpResponse::kMaxFramingBytes)
    return Malformed("the response has too many bytes besides its body");
  return interim ? State::kInterim : State::kIncomplete;
}

// Returns kInterim after the head of an interim response, and kComplete after the head of the final response.
ResponseParser::State ResponseParser::TakeHead(std::string_view* bytes) {
  if (bytes->empty()) return State::kIncomplete;
  const auto searched = rest_.size();
  rest_.append(*bytes);
  const auto size = HeadBytes(rest_, searched - std::min<std::size_t>(searched, 2));
  if (size == 0) {
    *bytes = {};
    const auto problem = ProblemOfBeginning(rest_);
    if (!problem.empty()) return Malformed("not an HTTP response: " + std::string(problem));
    if (rest_.size() > HttpResponse::kMaxHeaderBytes)
      return Malformed("not an HTTP response: its headers are too long");
    return State::kIncomplete;
  }
  bytes->remove_prefix(size - searched);
  if (size > HttpResponse::kMaxHeaderBytes)
    return Malformed("not an HTTP response: its headers are too long");
  const auto head = ParseResponseHead(std::string_view(rest_).substr(0, size), to_head_, &response_->headers);
  rest_.clear();
  if (!head) return Malformed("not an HTTP response: " + head.error());
  head_ = *head;
  keeps_alive_ = keeps_alive_ && head_.keeps_alive;
  // 101 is the response to an Upgrade header, which s3flow never sends. So 101 is a final response and an
  // error.
  if (head_.status / 100 == 1 && head_.status != 101) {
    if (++interim_responses_ > HttpResponse::kMaxInterim)
      return Malformed("the server sent too many interim (1xx) responses");
    response_->headers.Clear();
    started_final_ = !bytes->empty();
    return State::kInterim;
  }
  response_->status = head_.status;
  BeginBody();
  return State::kComplete;
}

void ResponseParser::BeginBody() {
  switch (head_.body) {
    case ResponseHead::Body::kNone: step_ = Step::kDone; break;
    case ResponseHead::Body::kChunked: step_ = Step::kChunkSize; break;
    case ResponseHead::Body::kLength:
      left_ = head_.bytes;
      step_ = left_ > 0 ? Step::kBody : Step::kDone;
      break;
    case ResponseHead::Body::kUntilEnd:
      left_ = std::numeric_limits<std::uint64_t>::max();
      step_ = Step::kBody;
      break;
  }
}

bool ResponseParser::TakeData(std::string_view* bytes) {
  const auto taken = bytes->substr(0, left_);
  if (response_->body.size() + taken.size() > HttpResponse::kMaxBodyBytes) {
    response_->body_truncated = true;
    return false;
  }
  response_->body.append(taken);
  bytes->remove_prefix(taken.size());
  left_ -= taken.size();
  if (left_ > 0) return false;
  step_ = step_ == Step::kChunkData ? Step::kChunkEnd : Step::kDone;
  return true;
}

bool ResponseParser::TakeWholeLine(std::string_view* bytes, std::string_view* line) {
  const auto end = bytes->find('\n');
  if (end == std::string_view::npos) {
    rest_.append(*bytes);
    *bytes = {};
    return false;
  }
  if (rest_.empty()) return TakeLine(bytes, line);
  line_ = std::exchange(rest_, {}).append(bytes->substr(0, end + 1));
  bytes->remove_prefix(end + 1);
  std::string_view whole = line_;
  return TakeLine(&whole, line);
}

// Ignores chunk extensions. Refuses any other text after the size, because some HTTP parsers would read it
// as a part of the size.
bool ResponseParser::TakeChunkSize(std::string_view* bytes) {
  std::string_view line;
  if (!TakeWholeLine(bytes, &line)) return false;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
  const auto digits = static_cast<std::size_t>(end - line.data());
  const auto behind = line.substr(digits);
  const auto next = behind.find_first_not_of(" \t");
  const bool is_size = error == std::errc() && digits <= kMaxSizeDigits &&
                       (next == std::string_view::npos || behind[next] == ';');
  if (!is_size) {
    Malformed("a chunk of the response has no valid size");
    return false;
  }
  step_ = left_ > 0 ? Step::kChunkData : Step::kTrailers;
  return true;
}

bool ResponseParser::TakeChunkEnd(std::string_view* bytes) {
  while (!bytes->empty()) {
    const char c = bytes->front();
    bytes->remove_prefix(1);
    if (c == '\n') {
      rest_.clear();
      step_ = Step::kChunkSize;
      return true;
    }
    if (c != '\r' || !rest_.empty()) {
      Malformed("a chunk of the response is not as long as its size says");
      return false;
    }
    rest_ = "\r";
  }
  return false;
}

// Drops the trailers: they must not be merged into the headers (RFC 9110, section 6.5.1).
bool ResponseParser::TakeTrailers(std::string_view* bytes) {
  for (std::string_view line; TakeWholeLine(bytes, &line);) {
    if (!line.empty()) continue;
    step_ = Step::kDone;
    return true;
  }
  return false;
}

ResponseParser::State ResponseParser::End() {
  if (!started_) return Malformed("the server closed the connection without a response");
  const bool is_whole =
      step_ == Step::kDone || (step_ == Step::kBody && head_.body == ResponseHead::Body::kUntilEnd);
  return is_whole ? State::kComplete
                  : Malformed("the server closed the connection in the middle of the response");
}

bool ResponseParser::keeps_alive() const {
  return keeps_alive_ && !has_excess_bytes_ && response_->status != 101;
}

ResponseParser::State ResponseParser::Malformed(std::string problem) {
  problem_ = std::move(problem);
  return State::kMalformed;
}

}  // namespace s3
