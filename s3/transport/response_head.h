// The head of one HTTP/1.x response: what it says, how its body ends, and whether the connection may stay.
// Pure, any thread. It takes what curl takes, unless that is unsafe: see the table in s3/HTTP_FORMS.md.
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
  std::uint64_t bytes = 0;  // of kLength
  bool keeps_alive = false;
};

// What keeps `text`, the first bytes of a response, from being the beginning of one; empty when nothing does.
std::string_view ProblemOfBeginning(std::string_view text);

// `text`: all lines, the empty one at the end included. Appends the lines to `*headers`, each unfolded.
// `to_head`: no body follows, whatever the headers say. The error says what is wrong.
tl::expected<ResponseHead, std::string> ParseResponseHead(std::string_view text, bool to_head,
                                                          HttpHeaders* headers);

// The next line, without its end, which is CRLF or a bare LF; takes both off `*text`. False when the line is
// not complete: nothing is taken then.
bool TakeLine(std::string_view* text, std::string_view* line);

}  // namespace s3
