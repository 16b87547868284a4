#include "s3/transport/direct/response_head.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "s3/base/text.h"

namespace s3 {
namespace {

constexpr std::string_view kProtocol = "HTTP/";
constexpr std::string_view kNotHttp = "it does not begin with HTTP/";
constexpr std::string_view kNotHttp1 = "its status line is not valid in HTTP/1.1";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsSame(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Calls `take` with each element of a comma-separated list. Stops and returns false if `take` returns false.
template <typename Take>
bool ForEachElement(std::string_view list, const Take& take) {
  while (!list.empty()) {
    const auto element = list.substr(0, list.find(','));
    list.remove_prefix(std::min(element.size() + 1, list.size()));
    if (!take(TrimHeaderSpace(element))) return false;
  }
  return true;
}

// Returns true also when `text` is only the first part of the protocol's name.
bool BeginsLikeHttp(std::string_view text) {
  const auto known = std::min(text.size(), kProtocol.size());
  return IsSame(text.substr(0, known), kProtocol.substr(0, known));
}

// Collects the headers that decide where the body ends and whether the connection stays open.
class Framing {
 public:
  // Returns true for the headers that decide where the body ends.
  static bool IsAbout(std::string_view name) {
    return IsSame(name, "content-length") || IsSame(name, "transfer-encoding");
  }

  // Returns what is wrong with the header; empty if the header is valid.
  std::string_view Take(std::string_view name, std::string_view value) {
    if (IsSame(name, "content-length")) return TakeLength(value);
    if (IsSame(name, "transfer-encoding")) return TakeEncoding(value);
    if (IsSame(name, "connection")) {
      ForEachElement(value, [&](std::string_view token) {
        closes_ |= IsSame(token, "close");
        stays_ |= IsSame(token, "keep-alive");
        return true;
      });
    }
    return {};
  }

  void Decide(bool is_http_1_1, bool to_head, ResponseHead* head) const {
    using Body = ResponseHead::Body;
    const bool no_body = to_head || head->status / 100 == 1 || head->status == 204 || head->status == 304;
    head->bytes = length_.value_or(0);
    if (no_body) {
      head->body = Body::kNone;
    } else if (chunked_) {
      head->body = Body::kChunked;
    } else {
      head->body = length_ ? Body::kLength : Body::kUntilEnd;
    }
    // If Content-Length and Transfer-Encoding both say where the body ends, a proxy may have used the length
    // and left bytes on the connection (RFC 9112, section 6.3). Proxies may also disagree about chunks in a
    // version other than HTTP/1.1, and about a list of two encodings.
    const bool doubtful = encodings_ > 1 || (chunked_ && (length_ || !is_http_1_1));
    head->keeps_alive = !closes_ && (is_http_1_1 || stays_) && !doubtful && head->body != Body::kUntilEnd;
  }

 private:
  // A list of equal numbers is read as one number (RFC 9110, section 8.6).
  std::string_view TakeLength(std::string_view value) {
    if (value.empty()) return "an empty Content-Length";
    const bool fine = ForEachElement(value, [&](std::string_view text) {
      std::uint64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size()) return false;
      return std::exchange(length_, number).value_or(number) == number;
    });
    return fine ? "" : "a Content-Length that is not a number, or two different Content-Lengths";
  }

  // Accepts only "chunked" and "identity" (no encoding), because s3flow sends no TE header (RFC 9110, section
  // 10.1.4).
  std::string_view TakeEncoding(std::string_view value) {
    const bool fine = ForEachElement(value, [&](std::string_view name) {
      if (!name.empty()) ++encodings_;
      chunked_ |= IsSame(name, "chunked");
      return name.empty() || IsSame(name, "chunked") || IsSame(name, "identity");
    });
    return fine ? "" : "a Transfer-Encoding that the request did not allow";
  }

  std::optional<std::uint64_t> length_;
  int encodings_ = 0;
  bool chunked_ = false, closes_ = false, stays_ = false;
};

struct StatusLine {
  int status = 0;
  bool is_http_1_1 = false;
};

// Parses "HTTP/1.1 200 OK" and other forms that curl 7.88 accepts: no reason, no space before the reason,
// several spaces before the status, HTTP/2 as the version.
std::optional<StatusLine> ParseStatusLine(std::string_view line) {
  const bool is_http_1_1 = line.starts_with("HTTP/1.1");
  line.remove_prefix(kProtocol.size());
  const auto version = line.substr(0, line.find(' '));
  if (version != "1.1" && version != "1.0" && version != "2" && version != "2.0") return std::nullopt;
  line.remove_prefix(version.size());
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const auto digits = std::find_if_not(line.begin(), line.end(), IsDigit) - line.begin();
  if (digits != 3 || line.front() == '0') return std::nullopt;
  StatusLine parsed{0, is_http_1_1};
  std::from_chars(line.data(), line.data() + 3, parsed.status);
  return parsed;
}

struct Field {
  std::string_view name;
  std::string_view value;  // points into the head, or into `unfolded`
  std::string unfolded;    // the value of a folded header, as one line
  bool is_folded = false;  // the value has more than one line
};

bool IsContinued(std::string_view text) { return text.starts_with(' ') || text.starts_with('\t'); }

// Reads the header that begins with `line`, and removes from `*text` the lines that continue it (RFC 9112,
// section 5.2). Returns what is wrong with the header; empty if it is valid.
std::string_view ReadField(std::string_view line, std::string_view* text, Field* field) {
  const auto colon = line.find(':');
  if (IsContinued(line)) return "a continuation line without a header";
  if (colon == std::string_view::npos) return "a header without a colon";
  field->name = line.substr(0, colon);
  field->value = TrimHeaderSpace(line.substr(colon + 1));
  const auto name = TrimHeaderSpace(field->name);
  const bool is_framing = Framing::IsAbout(name);
  if (is_framing && name.size() != field->name.size())
    return "a space before the colon of Content-Length or Transfer-Encoding";
  field->is_folded = IsContinued(*text);
  if (!field->is_folded) return {};
  if (is_framing) return "a folded Content-Length or Transfer-Encoding";
  field->unfolded = field->value;
  while (IsContinued(*text)) {
    TakeLine(text, &line);
    field->unfolded.append(field->unfolded.empty() ? "" : " ").append(TrimHeaderSpace(line));
  }
  field->value = field->unfolded;
  return {};
}

}  // namespace

bool TakeLine(std::string_view* text, std::string_view* line) {
  const auto end = text->find('\n');
  if (end == std::string_view::npos) return false;
  *line = text->substr(0, end);
  if (line->ends_with('\r')) line->remove_suffix(1);
  text->remove_prefix(end + 1);
  return true;
}

std::string_view ProblemOfBeginning(std::string_view text) {
  if (!BeginsLikeHttp(text)) return kNotHttp;
  std::string_view line;
  if (TakeLine(&text, &line) && !ParseStatusLine(line)) return kNotHttp1;
  return {};
}

tl::expected<ResponseHead, std::string> ParseResponseHead(std::string_view text, bool to_head,
                                                          HttpHeaders* headers) {
  const auto refuse = [](std::string_view problem) { return tl::unexpected(std::string(problem)); };
  if (!BeginsLikeHttp(text)) return refuse(kNotHttp);
  if (HasStrayLineEnd(text)) return refuse("a CR or NUL within a line of its head");
  const char* begin = text.data();
  std::string_view line;
  TakeLine(&text, &line);
  const auto status_line = ParseStatusLine(line);
  if (!status_line) return refuse(kNotHttp1);
  headers->AppendLine({begin, text.data()});
  Framing framing;
  Field field;
  for (begin = text.data(); TakeLine(&text, &line) && !line.empty(); begin = text.data()) {
    if (const auto problem = ReadField(line, &text, &field); !problem.empty()) return refuse(problem);
    if (const auto problem = framing.Take(field.name, field.value); !problem.empty()) return refuse(problem);
    if (!field.is_folded) {
      headers->AppendLine({begin, text.data()});
    } else {
      headers->AppendLine(Concat({field.name, ": ", field.unfolded, "\r\n"}));
    }
  }
  ResponseHead head{.status = status_line->status};
  framing.Decide(status_line->is_http_1_1, to_head, &head);
  return head;
}

}  // namespace s3
