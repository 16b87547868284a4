// Valid and invalid forms of HTTP/1.x responses (RFC 9112), and the outcome of each form with the installed
// libcurl and with s3flow. If the two outcomes differ, the row says why.
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "s3/transport/event_loop.h"
#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace s3 {
namespace http_forms_test {

using test::RawServer;
using test::ReadRequest;
using test::Say;

// An outcome is "refused"; or the status, the value of the header X in brackets if the response has one, the
// body, and "kept" if a second request used the same connection, else "closed".
struct Form {
  std::string name;
  std::string bytes;
  std::string curl;
  std::string ours = "";  // empty if s3flow's outcome is the same
  std::string why = "";   // why the outcomes differ
  bool ends = false;      // the server closes the connection after the response
  std::string method = "GET";
};

const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kBodyInChunks = "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n";
const std::string kLength4 = "Content-Length: 4\r\n\r\nbody";

std::string WithStatusLine(const std::string& line) { return line + "\r\n" + kLength4; }
std::string WithHeader(const std::string& line) { return "HTTP/1.1 200 OK\r\n" + line + "\r\n" + kLength4; }
std::string WithLength(const std::string& line) { return "HTTP/1.1 200 OK\r\n" + line + "\r\n\r\nbody"; }
std::string WithEncoding(const std::string& value) {
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + value + "\r\n\r\n" + kBodyInChunks;
}

const std::vector<Form>& Forms() {
  static const std::vector<Form> forms{
      // The status line.
      {"the usual status line", WithStatusLine("HTTP/1.1 200 OK"), "200 body kept"},
      {"no reason phrase, and no space after the status", WithStatusLine("HTTP/1.1 200"), "200 body kept"},
      {"no reason phrase", WithStatusLine("HTTP/1.1 200 "), "200 body kept"},
      {"a reason phrase of 20,000 bytes", WithStatusLine("HTTP/1.1 200 " + std::string(20'000, 'x')),
       "200 body kept"},
      {"a reason phrase in UTF-8 and Latin-1", WithStatusLine("HTTP/1.1 200 d\xc3\xa9j\xe0"),
       "200 body kept"},
      {"two spaces before the status", WithStatusLine("HTTP/1.1  200 OK"), "200 body kept"},
      {"a tab before the status", WithStatusLine("HTTP/1.1\t200 OK"), "refused", "", "", true},
      {"letters directly behind the status", WithStatusLine("HTTP/1.1 200OK"), "200 body kept"},
      {"a status of two digits", WithStatusLine("HTTP/1.1 20 OK"), "refused", "", "", true},
      {"a status of four digits", WithStatusLine("HTTP/1.1 2000 OK"), "refused", "", "", true},
      {"status 099", WithStatusLine("HTTP/1.1 099 OK"), "refused", "", "", true},
      {"status 999", WithStatusLine("HTTP/1.1 999 OK"), "999 body kept"},
      {"a negative status", WithStatusLine("HTTP/1.1 -20 OK"), "refused", "", "", true},
      {"a status of letters", WithStatusLine("HTTP/1.1 abc OK"), "refused", "", "", true},
      {"no status", WithStatusLine("HTTP/1.1"), "refused", "", "", true},
      {"lower-case http/1.1", WithStatusLine("http/1.1 200 OK"), "200 body closed"},
      {"HTTP/1.2", WithStatusLine("HTTP/1.2 200 OK"), "refused", "", "", true},
      {"HTTP/1.11", WithStatusLine("HTTP/1.11 200 OK"), "refused", "", "", true},
      {"HTTP/2 over HTTP/1.1", WithStatusLine("HTTP/2 200"), "200 body closed", "", "", true},
      {"HTTP/2.0 over HTTP/1.1", WithStatusLine("HTTP/2.0 200 OK"), "200 body closed", "", "", true},
      {"HTTP/3 over HTTP/1.1", WithStatusLine("HTTP/3 200"), "refused", "", "", true},
      {"HTTP/0.9", WithStatusLine("HTTP/0.9 200 OK"), "refused", "", "", true},
      {"no status line at all", "body", "refused", "", "", true},
      {"an empty line before the status line", "\r\n" + WithStatusLine("HTTP/1.1 200 OK"), "refused", "", "",
       true},
      {"a space before the status line", " " + WithStatusLine("HTTP/1.1 200 OK"), "refused", "", "", true},
      {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "refused", "", "", true},
      {"an empty response", "", "refused", "", "", true},
      // Line ends and header lines.
      {"lines that end with a bare LF", "HTTP/1.1 200 OK\nX: v\nContent-Length: 4\n\nbody",
       "200 [v] body kept"},
      {"a bare CR within a value", WithHeader("X: v\rw"), "200 [v] body kept", "refused",
       "some HTTP parsers end a line at a bare CR"},
      {"lines that end with a bare CR", "HTTP/1.1 200 OK\rContent-Length: 4\r\rbody", "refused", "", "",
       true},
      {"two CRs before the LF", WithHeader("X: v\r"), "200 [v] body kept"},
      {"NUL in a value", WithHeader(std::string("X: v\0w", 6)), "refused", "", "", true},
      {"NUL in a name", WithHeader(std::string("X\0Y: v", 6)), "refused", "", "", true},
      {"another control character in a value", WithHeader("X: v\x01w"),
       "200 [v\x01"
       "w] body kept"},
      {"header names in upper case", "HTTP/1.1 200 OK\r\nX: v\r\nCONTENT-LENGTH: 4\r\n\r\nbody",
       "200 [v] body kept"},
      {"no space behind the colon", WithLength("X:v\r\nContent-Length:4"), "200 [v] body kept"},
      {"tabs and spaces around a value", WithLength("X: \t v \t\r\nContent-Length: \t4 \t"),
       "200 [v] body kept"},
      {"a value folded with a space", WithHeader("X: v\r\n w"), "200 [v w] body kept"},
      {"a value folded with a tab", WithHeader("X:\r\n\tv"), "200 [v] body kept"},
      {"a continuation line before the first header", "HTTP/1.1 200 OK\r\n X: v\r\n" + kLength4, "refused"},
      {"a folded Content-Length", WithLength("Content-Length:\r\n 4"), "refused", "", "", true},
      {"a folded Transfer-Encoding",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n" + kBodyInChunks,
       "200 " + kBodyInChunks + " closed", "refused",
       "curl ignores the encoding and returns the chunk sizes as body", true},
      {"a space before a header's colon", WithHeader("X : v"), "200 body kept"},
      {"a space before Content-Length's colon", WithLength("Content-Length : 4"), "200 body closed",
       "refused", "curl ignores the length, other HTTP parsers use it", true},
      {"a space before Transfer-Encoding's colon",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n" + kBodyInChunks,
       "200 " + kBodyInChunks + " closed", "refused",
       "curl ignores the encoding and returns the chunk sizes as body", true},
      {"a header line without a colon", WithHeader("nonsense"), "refused", "", "", true},
      {"a header line without a name", WithHeader(": v"), "200 body kept"},
      {"a header name with a space in it", WithHeader("X Y: v"), "200 body kept"},
      {"a header name with parentheses", WithHeader("X(Y): v"), "200 body kept"},
      {"an empty header value", WithHeader("X:"), "200 [] body kept"},
      {"a header of 70,000 bytes", WithHeader("Y: " + std::string(70'000, 'x')), "200 body kept", "refused",
       "s3flow accepts at most 64 KiB of headers"},
      {"the same header twice", WithHeader("X: v\r\nX: w"), "200 [v] body kept"},
      {"UTF-8 in a header value", WithHeader("X: d\xc3\xa9j\xc3\xa0"), "200 [d\xc3\xa9j\xc3\xa0] body kept"},
      // Content-Length.
      {"the same Content-Length twice", WithLength("Content-Length: 4\r\nContent-Length: 4"),
       "200 body kept"},
      {"the same Content-Length twice in one line", WithLength("Content-Length: 4, 4"), "200 body kept"},
      {"two lengths, the shorter last", WithLength("Content-Length: 4\r\nContent-Length: 3"),
       "200 bod closed", "refused", "it is unknown which length is right", true},
      {"two lengths, the longer last", WithLength("Content-Length: 3\r\nContent-Length: 4"),
       "200 body closed", "refused", "it is unknown which length is right", true},
      {"two lengths in one line", WithLength("Content-Length: 4, 3"), "200 body closed", "refused",
       "it is unknown which length is right", true},
      {"a length with leading zeros", WithLength("Content-Length: 0004"), "200 body kept"},
      {"a length with a sign", WithLength("Content-Length: +4"), "200 body kept", "refused",
       "with an invalid length the end of the body is unknown (RFC 9112, 6.3)"},
      {"a negative length", WithLength("Content-Length: -4"), "refused", "", "", true},
      {"a length in hexadecimal", WithLength("Content-Length: 0x4"), "200 closed", "refused",
       "with an invalid length the end of the body is unknown (RFC 9112, 6.3)", true},
      {"a length with a unit", WithLength("Content-Length: 4 bytes"), "200 body kept", "refused",
       "with an invalid length the end of the body is unknown (RFC 9112, 6.3)"},
      {"a fraction as length", WithLength("Content-Length: 4.0"), "200 body closed", "refused",
       "with an invalid length the end of the body is unknown (RFC 9112, 6.3)", true},
      {"a length in letters", WithLength("Content-Length: four"), "refused", "", "", true},
      {"an empty length", WithLength("Content-Length:"), "refused", "", "", true},
      {"a length above 2^64", WithLength("Content-Length: 99999999999999999999"), "200 body closed",
       "refused", "with an invalid length the end of the body is unknown (RFC 9112, 6.3)", true},
      {"a length that is longer than the body", WithLength("Content-Length: 5"), "refused", "", "", true},
      {"neither a length nor chunks", "HTTP/1.1 200 OK\r\n\r\nbody", "200 body closed", "", "", true},
      // Transfer-Encoding.
      {"Transfer-Encoding: chunked", kChunked + kBodyInChunks, "200 body kept"},
      {"Transfer-Encoding: Chunked", WithEncoding("Chunked"), "200 body kept"},
      {"Transfer-Encoding: identity, with a length",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n" + kLength4, "200 body closed", "", "", true},
      {"Transfer-Encoding: identity, without a length",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nbody", "200 body closed", "", "", true},
      {"Transfer-Encoding: identity, chunked", WithEncoding("identity, chunked"), "200 body kept",
       "200 body closed", "HTTP parsers may disagree on a list of two encodings"},
      {"Transfer-Encoding: chunked, identity", WithEncoding("chunked, identity"), "200 body kept",
       "200 body closed", "HTTP parsers may disagree on a list of two encodings"},
      {"Transfer-Encoding: chunked, chunked", WithEncoding("chunked, chunked"), "200 body kept",
       "200 body closed", "HTTP parsers may disagree on a list of two encodings"},
      {"Transfer-Encoding: chunked in two header lines",
       WithEncoding("chunked\r\nTransfer-Encoding: chunked"), "200 body kept", "200 body closed",
       "HTTP parsers may disagree on a list of two encodings"},
      {"Transfer-Encoding: gzip, chunked", WithEncoding("gzip, chunked"), "refused", "", "", true},
      {"Transfer-Encoding: gzip", WithEncoding("gzip"), "refused", "", "", true},
      {"Transfer-Encoding: xyz", WithEncoding("xyz"), "refused", "", "", true},
      {"Transfer-Encoding: xchunked", WithEncoding("xchunked"), "refused", "", "", true},
      {"an empty Transfer-Encoding, with a length", "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n" + kLength4,
       "200 body closed", "", "", true},
      {"Content-Length, then Transfer-Encoding: chunked",
       "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + kBodyInChunks,
       "200 body kept", "200 body closed",
       "a proxy may have used the length and left bytes on the connection (RFC 9112, 6.3)"},
      {"Transfer-Encoding: chunked, then Content-Length",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" + kBodyInChunks,
       "200 body kept", "200 body closed",
       "a proxy may have used the length and left bytes on the connection (RFC 9112, 6.3)"},
      {"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + kBodyInChunks,
       "200 body closed"},
      // Chunks.
      {"a chunk size with leading zeros", kChunked + "0004\r\nbody\r\n000\r\n\r\n", "200 body kept"},
      {"a chunk size with twenty leading zeros", kChunked + std::string(20, '0') + "4\r\nbody\r\n0\r\n\r\n",
       "refused", "", "", true},
      {"spaces behind a chunk size", kChunked + "4  \r\nbody\r\n0 \r\n\r\n", "200 body kept"},
      {"a space before a chunk size", kChunked + " 4\r\nbody\r\n0\r\n\r\n", "refused", "", "", true},
      {"a chunk extension", kChunked + "4;x=y;z=\"a b\"\r\nbody\r\n0;x\r\n\r\n", "200 body kept"},
      {"a chunk extension behind a space", kChunked + "4 ; x=y\r\nbody\r\n0\r\n\r\n", "200 body kept"},
      {"other text behind a chunk size", kChunked + "4 x\r\nbody\r\n0\r\n\r\n", "200 body kept", "refused",
       "other HTTP parsers may read the text as a part of the size"},
      {"a chunk size in upper case", kChunked + "A\r\nbodybodybo\r\n0\r\n\r\n", "200 bodybodybo kept"},
      {"a chunk size with 0x", kChunked + "0x4\r\nbody\r\n0\r\n\r\n", "refused", "", "", true},
      {"a chunk size with a sign", kChunked + "+4\r\nbody\r\n0\r\n\r\n", "refused", "", "", true},
      {"a chunk size above 2^64", kChunked + "10000000000000004\r\nbody\r\n0\r\n\r\n", "refused", "", "",
       true},
      {"a chunk size of 2^64 - 1", kChunked + "ffffffffffffffff\r\nbody\r\n0\r\n\r\n", "refused", "", "",
       true},
      {"an empty line instead of a chunk size", kChunked + "\r\n4\r\nbody\r\n0\r\n\r\n", "refused", "", "",
       true},
      {"chunk lines that end with a bare LF", kChunked + "4\nbody\n0\n\n", "200 body kept"},
      {"no line end behind a chunk", kChunked + "4\r\nbody0\r\n\r\n", "refused", "", "", true},
      {"more bytes than the chunk's size", kChunked + "3\r\nbody\r\n0\r\n\r\n", "refused", "", "", true},
      {"trailers behind the last chunk", kChunked + "4\r\nbody\r\n0\r\nX: v\r\nY: w\r\n\r\n",
       "200 body kept"},
      {"no last chunk", kChunked + "4\r\nbody\r\n", "refused", "", "", true},
      {"no empty line behind the last chunk", kChunked + "4\r\nbody\r\n0\r\n", "refused", "", "", true},
      // Which connections are kept.
      {"HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\n" + kLength4, "200 body closed"},
      {"HTTP/1.0 with Connection: keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + kLength4,
       "200 body kept"},
      {"HTTP/1.0 with Connection: Keep-Alive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + kLength4,
       "200 body kept"},
      {"HTTP/1.0 without a length", "HTTP/1.0 200 OK\r\n\r\nbody", "200 body closed", "", "", true},
      {"HTTP/1.0 with Connection: keep-alive, without a length",
       "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nbody", "200 body closed", "", "", true},
      {"Connection: close", WithHeader("Connection: close"), "200 body closed"},
      {"Connection: Close", WithHeader("Connection: Close"), "200 body closed"},
      {"Connection: keep-alive, close", WithHeader("Connection: keep-alive, close"), "200 body closed"},
      {"Connection: close, in a second header line", WithHeader("Connection: x\r\nConnection: close"),
       "200 body closed"},
      {"Connection: disclose", WithHeader("Connection: disclose"), "200 body closed", "200 body kept",
       "curl finds close within disclose, s3flow compares whole words"},
      {"more bytes than the length", WithLength("Content-Length: 4") + "more", "200 body closed"},
      // Responses without a body, and interim ones.
      {"204 with a length", "HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\n", "204 kept"},
      {"204 with chunked encoding", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", "204 kept"},
      {"304 with a length", "HTTP/1.1 304 No\r\nContent-Length: 4\r\n\r\n", "304 kept"},
      {"a response to HEAD with a length", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "200 kept", "", "",
       false, "HEAD"},
      {"a response to HEAD without a length", "HTTP/1.1 200 OK\r\n\r\n", "200 kept", "", "", false, "HEAD"},
      {"a response to HEAD with chunked encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       "200 kept", "", "", false, "HEAD"},
      {"100 before the final response", "HTTP/1.1 100 Continue\r\n\r\n" + WithStatusLine("HTTP/1.1 200 OK"),
       "200 body kept"},
      {"103 with headers before the final response",
       "HTTP/1.1 103 Early Hints\r\nX: i\r\nContent-Length: 9\r\n\r\n" + WithStatusLine("HTTP/1.1 200 OK"),
       "200 body kept"},
      {"102, 102 and 100 before the final response",
       "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 100\r\n\r\n" + WithStatusLine("HTTP/1.1 200 OK"),
       "200 body kept"},
      {"100 in HTTP/1.0 before the final response",
       "HTTP/1.0 100 Continue\r\n\r\n" + WithStatusLine("HTTP/1.1 200 OK"), "200 body closed"},
      {"101 Switching Protocols",
       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "refused",
       "101 closed", "s3flow asked for no upgrade, so it treats 101 as an error response", true},
      {"100, then the end of the connection", "HTTP/1.1 100 Continue\r\n\r\n", "refused", "", "", true},
      {"the end of the connection within the headers", "HTTP/1.1 200 OK\r\nX: v", "200 closed", "refused",
       "an incomplete response is not used", true},
      {"205 with a body", "HTTP/1.1 205 Reset\r\n" + kLength4, "205 body kept"},
      {"the unknown status 299", "HTTP/1.1 299 What\r\n" + kLength4, "299 body kept"},
  };
  return forms;
}

// Responds to each request with the form, and counts connections.
class FormServer {
 public:
  explicit FormServer(const Form& form)
      : form_(form), server_([this](int fd) {
          while (!ReadRequest(fd).empty()) {
            Say(fd, form_.bytes);
            if (form_.ends) return;
          }
        }) {}
  Endpoint endpoint() const { return server_.endpoint(); }
  int connections() const { return server_.connections; }

 private:
  const Form form_;
  RawServer server_;
};

std::string Outcome(int status, const std::optional<std::string>& x, const std::string& body, bool kept) {
  return std::to_string(status) + (x ? " [" + *x + "]" : "") + (body.empty() ? "" : " " + body) +
         (kept ? " kept" : " closed");
}

std::size_t Append(char* data, std::size_t size, std::size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

// Trims the value, because libcurl 7.88 leaves a CR in an empty value.
std::string WithoutSpace(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t\r"), text.size());
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin));
}

std::string ByCurl(const Form& form) {
  FormServer server(form);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  std::string body, url = "http://" + server.endpoint().HostAndPort() + "/bucket/key";
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl.get(), CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl.get(), CURLOPT_NOBODY, form.method == "HEAD" ? 1L : 0L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  if (curl_easy_perform(curl.get()) != CURLE_OK) return "refused";
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  std::optional<std::string> x;
  curl_header* header = nullptr;
  if (curl_easy_header(curl.get(), "X", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
    x = WithoutSpace(header->value);
  const auto first = body;
  curl_easy_perform(curl.get());
  long connects = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_NUM_CONNECTS, &connects);
  return Outcome(static_cast<int>(status), x, first, connects == 0);
}

std::string ByS3flow(const Form& form, TransportKind kind) {
  FormServer server(form);
  TransportOptions options;
  options.kind = kind;
  EventLoop loop(options, 4);
  const auto send = [&] {
    HttpRequest request;
    request.method = form.method;
    request.endpoint = server.endpoint();
    request.path = "/bucket/key";
    HttpResponse response;
    BlockingWaiter().Wait([&](Wake wake) { loop.Send(std::move(request), &response, wake); });
    return response;
  };
  const auto response = send();
  if (response.failure) return "refused";
  send();
  const auto x = response.headers.Find("x");
  return Outcome(response.status, x ? std::optional<std::string>(*x) : std::nullopt, response.body,
                 server.connections() == 1);
}

TEST(HttpFormsTest, CurlDoesWhatTheTableSays) {
  EXPECT_GE(Forms().size(), 40u);
  for (const auto& form : Forms()) EXPECT_EQ(ByCurl(form), form.curl) << form.name;
}

TEST(HttpFormsTest, TheDirectTransportDoesWhatTheTableSays) {
  for (const auto& form : Forms())
    EXPECT_EQ(ByS3flow(form, TransportKind::kDirect), form.ours.empty() ? form.curl : form.ours) << form.name;
}

// The libcurl transport makes those checks of the direct transport for which libcurl has a callback.
TEST(HttpFormsTest, TheLibcurlTransportDoesAsCurlOrAsTheDirectOne) {
  std::set<std::string> as_direct;
  for (const auto& form : Forms()) {
    const auto outcome = ByS3flow(form, TransportKind::kLibcurl);
    if (outcome == form.curl) continue;
    EXPECT_EQ(outcome, form.ours) << form.name;
    as_direct.insert(form.name);
  }
  EXPECT_THAT(as_direct, testing::UnorderedElementsAre("a bare CR within a value", "a header of 70,000 bytes",
                                                       "101 Switching Protocols",
                                                       "the end of the connection within the headers"));
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c >= ' ' && c <= '~') {
      escaped += c;
    } else {
      escaped += c == '\r' ? "\\r" : c == '\n' ? "\\n" : "?";
    }
  }
  return escaped;
}

// If this test fails, its message is the table that s3/HTTP_FORMS.md must contain.
TEST(HttpFormsTest, TheDocumentHasTheTable) {
  std::string rows = "| form | curl 7.88 | s3flow | why s3flow differs |\n|---|---|---|---|\n";
  for (const auto& form : Forms()) {
    rows += "| " + form.name + " | " + Escaped(form.curl) + " | " +
            (form.ours.empty() ? "the same" : form.ours) + " | " + form.why + " |\n";
  }
  EXPECT_THAT(test::ReadAll(TESTS_DIR "/../s3/HTTP_FORMS.md"), testing::EndsWith(rows)) << rows;
}

// Also checks that each form has a name of its own.
TEST(HttpFormsTest, EveryDifferenceHasAReason) {
  std::set<std::string> names;
  for (const auto& form : Forms()) {
    EXPECT_EQ(form.ours.empty(), form.why.empty()) << form.name;
    EXPECT_NE(form.ours, form.curl) << form.name;
    EXPECT_TRUE(names.insert(form.name).second) << form.name;
  }
}

}  // namespace http_forms_test
}  // namespace s3
