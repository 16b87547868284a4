#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <algorithm>

#include "s3/transport/direct/response_parser.h"

namespace {

using State = s3::ResponseParser::State;

State Read(std::string_view text, std::size_t piece, bool to_head, s3::HttpResponse* response) {
  s3::ResponseParser parser;
  parser.Begin(to_head, response);
  auto state = State::kIncomplete;
  while (!text.empty() && (state == State::kIncomplete || state == State::kInterim)) {
    state = parser.Take(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
  }
  return state == State::kIncomplete || state == State::kInterim ? parser.End() : state;
}

}  // namespace

// A server's bytes: the parser returns the same response, whether they arrive in one piece or in many.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool to_head = (data[0] & 1) != 0;
  const std::size_t piece = 1 + data[0] / 2 % 7;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  s3::HttpResponse whole, pieces;
  const auto state = Read(text, text.size(), to_head, &whole);
  if (state != Read(text, piece, to_head, &pieces)) __builtin_trap();
  if (state != State::kComplete) return 0;
  if (whole.status != pieces.status || whole.body != pieces.body) __builtin_trap();
  return 0;
}
