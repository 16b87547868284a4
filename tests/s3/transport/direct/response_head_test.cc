#include "s3/transport/direct/response_head.h"

#include <gtest/gtest.h>

#include <string>

namespace s3 {
namespace response_head_test {

using Body = ResponseHead::Body;

struct Parsed {
  tl::expected<ResponseHead, std::string> head;
  HttpHeaders headers;
};

// Parses a head with these header lines, each without its end.
Parsed Parse(std::string status_line, std::initializer_list<std::string> lines, bool to_head = false) {
  std::string text = status_line + "\r\n";
  for (const auto& line : lines) text += line + "\r\n";
  Parsed parsed;
  parsed.head = ParseResponseHead(text + "\r\n", to_head, &parsed.headers);
  return parsed;
}

TEST(ResponseHeadTest, TheHeadersSayHowTheBodyEnds) {
  EXPECT_EQ(Parse("HTTP/1.1 200 OK", {"Content-Length: 7"}).head->body, Body::kLength);
  EXPECT_EQ(Parse("HTTP/1.1 200 OK", {"Content-Length: 7"}).head->bytes, 7u);
  EXPECT_EQ(Parse("HTTP/1.1 200 OK", {"Transfer-Encoding: chunked"}).head->body, Body::kChunked);
  EXPECT_EQ(Parse("HTTP/1.1 200 OK", {}).head->body, Body::kUntilEnd);
  EXPECT_EQ(Parse("HTTP/1.1 204 No Content", {"Content-Length: 7"}).head->body, Body::kNone);
  EXPECT_EQ(Parse("HTTP/1.1 304 Not Modified", {"Content-Length: 7"}).head->body, Body::kNone);
  EXPECT_EQ(Parse("HTTP/1.1 200 OK", {"Content-Length: 7"}, true).head->body, Body::kNone);
}

TEST(ResponseHeadTest, TheVersionAndConnectionSayWhetherItStaysOpen) {
  const auto keeps = [](const char* status_line, std::initializer_list<std::string> lines) {
    return Parse(status_line, lines).head->keeps_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1 200 OK", {"Content-Length: 0"}));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK", {"Content-Length: 0", "Connection: x, Close"}));
  EXPECT_FALSE(keeps("HTTP/1.0 200 OK", {"Content-Length: 0"}));
  EXPECT_TRUE(keeps("HTTP/1.0 200 OK", {"Content-Length: 0", "Connection: keep-alive"}));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK", {"Content-Length: 0", "Transfer-Encoding: chunked"}));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK", {}));
}

TEST(ResponseHeadTest, RefusesWhatHasTwoMeanings) {
  for (const char* line :
       {"Content-Length: 4, 5", "Content-Length: +4", "Content-Length:", "Content-Length : 4",
        "Transfer-Encoding: gzip", "Transfer-Encoding : chunked", " folded", "no colon", "X: a\rb"}) {
    EXPECT_FALSE(Parse("HTTP/1.1 200 OK", {line}).head) << line;
  }
  EXPECT_FALSE(Parse("HTTP/1.1 200 OK", {"Content-Length: 4", "Content-Length: 5"}).head);
  EXPECT_FALSE(Parse("HTTP/3 200 OK", {}).head);
  EXPECT_FALSE(Parse("HTTP/1.1 20 OK", {}).head);
}

TEST(ResponseHeadTest, UnfoldsHeaders) {
  const auto parsed = Parse("HTTP/1.1 200 OK", {"X: a", "  b", "Y: c"});
  ASSERT_TRUE(parsed.head);
  EXPECT_EQ(parsed.headers.Find("x"), "a b");
  EXPECT_EQ(parsed.headers.Find("y"), "c");
}

TEST(ResponseHeadTest, TheFirstBytesTellWhetherItCanBeAResponse) {
  for (const char* text : {"", "H", "http/1", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\n"}) {
    EXPECT_EQ(ProblemOfBeginning(text), "") << text;
  }
  for (const char* text : {"SSH-2.0", "\r\n", "HTTP/1.1 OK\r\n"}) {
    EXPECT_NE(ProblemOfBeginning(text), "") << text;
  }
}

TEST(TakeLineTest, EndsAreCrlfOrLf) {
  std::string_view text = "a\r\nb\n\r\nrest", line;
  for (const char* expected : {"a", "b", ""}) {
    ASSERT_TRUE(TakeLine(&text, &line));
    EXPECT_EQ(line, expected);
  }
  EXPECT_FALSE(TakeLine(&text, &line));
  EXPECT_EQ(text, "rest");
}

}  // namespace response_head_test
}  // namespace s3
