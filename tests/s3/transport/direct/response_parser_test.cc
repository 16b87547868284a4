#include "s3/transport/direct/response_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mutator.h"
#include "tests/support/support.h"

namespace s3 {
namespace response_parser_test {

using State = ResponseParser::State;

struct Read {
  State state;
  HttpResponse response;
  bool keeps_alive = false;
  std::string problem;
};

// Parses `text` in pieces of `step` bytes, then the end of the connection if the response is not complete.
Read ReadIn(std::string_view text, std::size_t step, bool to_head = false) {
  Read read;
  ResponseParser parser;
  parser.Begin(to_head, &read.response);
  read.state = State::kIncomplete;
  const auto is_incomplete = [&] {
    return read.state == State::kIncomplete || read.state == State::kInterim;
  };
  for (; is_incomplete() && !text.empty(); text.remove_prefix(std::min(step, text.size())))
    read.state = parser.Take(text.substr(0, step));
  if (is_incomplete()) read.state = parser.End();
  read.keeps_alive = read.state == State::kComplete && parser.keeps_alive();
  read.problem = parser.problem();
  return read;
}

TEST(ResponseParserTest, TheResponseDoesNotDependOnThePieces) {
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 4\r\n\r\nbody", "body"},
      {"HTTP/1.1 200 \r\nETag:\t\"e\" \r\ntransfer-encoding: "
       "chunked\r\n\r\n2;x=y\r\nbo\r\n2\r\ndy\r\n0\r\nx: "
       "y\r\n\r\n",
       "body"},
      {"HTTP/1.1 100 Continue\r\nETag: \"interim\"\r\n\r\nHTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: "
       "0\r\n\r\n",
       ""},
      {"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nETag: "
       "\"e\"\r\nContent-Length: 1\r\n\r\nx",
       "x"},
      {"HTTP/1.1 200 OK\r\netag: \"e\"\r\n\r\nuntil the end", "until the end"},
      {"HTTP/1.1 200 OK\r\netag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
  };
  for (const auto& [text, body] : cases) {
    for (std::size_t step = 1; step <= text.size(); ++step) {
      const auto read = ReadIn(text, step);
      ASSERT_EQ(read.state, State::kComplete) << text << " by " << step << ": " << read.problem;
      EXPECT_EQ(read.response.status, 200);
      EXPECT_EQ(read.response.headers.Find("etag"), "\"e\"");
      EXPECT_EQ(read.response.body, body);
    }
  }
}

TEST(ResponseParserTest, AResponseThatIsCutIsMalformed) {
  for (const std::string text :
       {"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"}) {
    ASSERT_EQ(ReadIn(text, text.size()).state, State::kComplete);
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
      const auto read = ReadIn(std::string_view(text).substr(0, cut), 7);
      EXPECT_EQ(read.state, State::kMalformed) << cut;
      EXPECT_NE(read.problem, "");
    }
  }
}

TEST(ResponseParserTest, TellsWhetherTheConnectionCanBeReused) {
  const auto keeps = [](std::string_view text, bool to_head = false) {
    const auto read = ReadIn(text, 1000, to_head);
    EXPECT_EQ(read.state, State::kComplete) << text;
    return read.keeps_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(keeps("HTTP/1.1 204 No Content\r\n\r\n"));
  EXPECT_TRUE(keeps("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", true));
  EXPECT_TRUE(keeps("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK\r\n\r\nuntil the end"));
  EXPECT_FALSE(keeps("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"));
  // Bytes that follow a response belong to no request.
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\na body", true));
}

TEST(ResponseParserTest, ALargeBodyIsCutOffAndLargeHeadersAreRefused) {
  const std::string filler(HttpResponse::kMaxBodyBytes + 1, 'x');
  const auto large = ReadIn("HTTP/1.1 500 No\r\nContent-Length: 1073741824\r\n\r\n" + filler, 4096);
  EXPECT_EQ(large.state, State::kCutOff);
  EXPECT_EQ(large.response.status, 500);
  EXPECT_TRUE(large.response.body_truncated);
  EXPECT_LE(large.response.body.size(), HttpResponse::kMaxBodyBytes);
  const auto wide = ReadIn("HTTP/1.1 200 OK\r\nX: " + filler, 4096);
  EXPECT_EQ(wide.state, State::kMalformed);
  EXPECT_LE(wide.response.headers.size_bytes(), HttpResponse::kMaxHeaderBytes);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10'000; ++i) many += "X-Filler: " + std::string(50, 'x') + "\r\n";
  EXPECT_EQ(ReadIn(many, 4096).state, State::kMalformed);
}

// Bytes besides the body: chunk sizes and extensions, trailers, interim responses. The body has a limit of
// its own.
TEST(ResponseParserTest, BytesBesidesTheBodyHaveALimit) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string filler(1000, 'x');
  const std::pair<std::string, std::string> cases[] = {{chunked + "1;x=", filler},
                                                       {chunked + "0;x=", filler},
                                                       {chunked, "1;x=" + filler + "\r\nx\r\n"},
                                                       {chunked, "1\r\nx\r\n"},
                                                       {chunked + "0\r\n", "X-Trailer: " + filler + "\r\n"},
                                                       {chunked + "0\r\nX: ", filler},
                                                       {"", "HTTP/1.1 102 Processing\r\n\r\n"},
                                                       {"", "HTTP/1.1 103 X\r\nY: " + filler + "\r\n\r\n"},
                                                       {"HTTP/1.1 200 ", filler},
                                                       {"HTTP/1.1 200 OK\r\nX:", std::string(1000, ' ')},
                                                       {"", "\r\n"},
                                                       {"", " "}};
  for (const auto& [first, rest] : cases) {
    for (const bool by_the_byte : {false, true}) {
      HttpResponse response;
      ResponseParser parser;
      parser.Begin(false, &response);
      std::size_t taken = 0;
      const auto ends = [&](std::string_view text) {
        const auto step = by_the_byte ? 1 : text.size();
        for (; !text.empty(); text.remove_prefix(step), taken += step) {
          const auto state = parser.Take(text.substr(0, step));
          if (state == State::kMalformed) return true;
          EXPECT_TRUE(state == State::kIncomplete || state == State::kInterim);
        }
        return false;
      };
      bool ended = ends(first);
      while (!ended && taken < 4 * HttpResponse::kMaxFramingBytes) ended = ends(rest);
      EXPECT_TRUE(ended) << first << rest;
      // One fifth more, because a chunk of one byte has five bytes besides the body.
      const auto most = HttpResponse::kMaxFramingBytes + HttpResponse::kMaxFramingBytes / 5 + rest.size();
      EXPECT_LE(taken, most) << first << rest;
    }
  }
}

TEST(ResponseParserTest, SmallChunksAndManyInterimResponsesAreWithinTheLimits) {
  std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = "20\r\n" + std::string(32, 'x') + "\r\n";
  for (std::size_t bytes = 0; bytes < HttpResponse::kMaxBodyBytes; bytes += 32) text += chunk;
  const auto read = ReadIn(text + "0\r\n\r\n", 4096);
  EXPECT_EQ(read.state, State::kComplete) << read.problem;
  EXPECT_EQ(read.response.body.size(), HttpResponse::kMaxBodyBytes);
  std::string interim;
  for (int i = 0; i < HttpResponse::kMaxInterim; ++i) interim += "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_EQ(ReadIn(interim + "HTTP/1.1 204 No Content\r\n\r\n", 4096).state, State::kComplete);
}

TEST(ResponseParserTest, TrailersAreNotHeaders) {
  const auto read = ReadIn(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nETag: \"e\"\r\nx-amz-request-id: r\r\n\r\n",
      7);
  EXPECT_EQ(read.state, State::kComplete);
  EXPECT_FALSE(read.response.headers.Find("etag"));
  EXPECT_FALSE(read.response.headers.Find("x-amz-request-id"));
}

// The pieces make no difference for malformed input either.
TEST(ResponseParserTest, MutatedInputIsParsedTheSameInAllPieces) {
  const std::vector<std::string> seeds{
      "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 4\r\n\r\nbody",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX: y\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Slow Down\r\nConnection: close\r\n\r\n<Error/>",
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.0 200 OK\r\nContent-Length: 99999999999999999999\r\n folded\r\n\r\n"};
  test::Mutator texts;
  for (int i = 0; i < test::Rounds(); ++i) {
    const auto text = texts.Next(seeds);
    const auto whole = ReadIn(text, std::max<std::size_t>(1, text.size()));
    const auto pieces = ReadIn(text, 1 + static_cast<std::size_t>(i) % 5);
    ASSERT_EQ(whole.state, pieces.state) << text;
    if (whole.state != State::kComplete) continue;
    EXPECT_EQ(whole.response.status, pieces.response.status);
    EXPECT_EQ(whole.response.body, pieces.response.body);
    EXPECT_EQ(whole.response.headers.lines(), pieces.response.headers.lines());
  }
}

}  // namespace response_parser_test
}  // namespace s3
