// Parses the head of one HTTP/1.x response: its status, where its body ends, and whether the connection stays
// open. Pure functions, for any thread. They accept the forms that curl accepts, except unsafe ones.
// s3/HTTP_FORMS.md lists all forms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "s3/http.h"

namespace s3 {

struct ResponseHead {
  // How the body ends (RFC 9112, section 6.3).
  enum class Body { kNone, kLength, kChunked, kUntilEnd };

  int status = 0;
  Body body = Body::kNone;
  std::uint64_t bytes = 0;  // the body's length, if `body` is kLength
  bool keeps_alive = false;
};

// Returns why `text`, the first bytes received, cannot be the beginning of a response; empty if it can.
std::string_view ProblemOfBeginning(std::string_view text);

// Parses `text`, a complete head with the empty line at its end. Appends the header lines to `*headers`, each
// unfolded. `to_head`: this is the response to a HEAD request, so no body follows, even if the headers
// announce one. The error says what is wrong.
tl::expected<ResponseHead, std::string> ParseResponseHead(std::string_view text, bool to_head,
                                                          HttpHeaders* headers);

// Moves the next line from `*text` to `*line`, without its end, which is CRLF or a bare LF. Returns false and
// changes nothing when the line is incomplete.
bool TakeLine(std::string_view* text, std::string_view* line);

}  // namespace s3
