// Servers on loopback for responses that no real server sends.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "s3/uri.h"

namespace test {

// A server that calls the test's function for each connection.
class RawServer {
 public:
  explicit RawServer(std::function<void(int fd)> serve) : serve_(std::move(serve)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 64), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (;;) {
        const int fd = accept(listener_, nullptr, nullptr);
        if (fd < 0 && errno == EMFILE) {  // a test leaves the process no descriptor
          std::this_thread::yield();
          continue;
        }
        if (fd < 0) return;
        ++connections;
        serve_(fd);
        close(fd);
      }
    });
  }
  ~RawServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  s3::Endpoint endpoint() const { return {"http", "127.0.0.1", port_}; }
  // Gives later connections the smallest possible receive buffer.
  void TakeLittle() const {
    const int least = 1;
    setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
  }
  std::atomic<int> connections{0};

 private:
  const std::function<void(int)> serve_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

// Reads until the request's header block is complete.
inline std::string ReadRequest(int fd) {
  std::string text;
  char buffer[4096];
  while (text.find("\r\n\r\n") == std::string::npos) {
    const auto got = read(fd, buffer, sizeof buffer);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

// Reads and drops `bytes` bytes. Returns false if the connection ends earlier.
inline bool ReadExactly(int fd, std::size_t bytes) {
  std::string buffer(64 << 10, '\0');
  while (bytes > 0) {
    const auto got = read(fd, buffer.data(), std::min(buffer.size(), bytes));
    if (got <= 0) return false;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

inline void Say(int fd, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const auto written = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (written <= 0) return;
    sent += static_cast<std::size_t>(written);
  }
}

// A request as it was received.
struct HttpCall {
  std::string method, target, headers, body;

  // Returns the value of the first header `name` (in lower case); empty if there is none.
  std::string Header(const std::string& name) const {
    std::string lower(headers);
    for (auto& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto at = lower.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 4;
    return headers.substr(begin, headers.find("\r\n", begin) - begin);
  }
};

// Parses a header block. Bytes after it become the beginning of the body.
inline HttpCall ParseCall(const std::string& text) {
  HttpCall call;
  const auto end = text.find("\r\n\r\n");
  call.headers = text.substr(0, end + 2);
  call.body = text.substr(end + 4);
  const auto first = text.find(' '), second = text.find(' ', first + 1);
  call.method = text.substr(0, first);
  call.target = text.substr(first + 1, second - first - 1);
  return call;
}

// Returns nothing if the request is incomplete.
inline std::optional<HttpCall> ReadCall(int fd) {
  const auto text = ReadRequest(fd);
  if (text.find("\r\n\r\n") == std::string::npos) return std::nullopt;
  auto call = ParseCall(text);
  const auto length = std::strtoull(call.Header("content-length").c_str(), nullptr, 10);
  char buffer[4096];
  while (call.body.size() < length) {
    const auto got = read(fd, buffer, sizeof buffer);
    if (got <= 0) return std::nullopt;
    call.body.append(buffer, static_cast<std::size_t>(got));
  }
  return call;
}

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string headers = "";  // whole lines
};

// An HTTP server whose responses a test decides. It closes each connection after one request.
class HttpDouble {
 public:
  explicit HttpDouble(std::function<HttpAnswer(const HttpCall&)> answer)
      : answer_(std::move(answer)), server_([this](int fd) { Serve(fd); }) {}

  s3::Endpoint endpoint() const { return server_.endpoint(); }
  std::string url() const { return "http://" + endpoint().HostAndPort(); }
  std::vector<HttpCall> calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  void Serve(int fd) {
    const auto call = ReadCall(fd);
    if (!call) return;
    {
      std::lock_guard lock(mutex_);
      calls_.push_back(*call);
    }
    const auto answer = answer_(*call);
    if (answer.status == 0) return;  // closes the connection
    Say(fd, "HTTP/1.1 " + std::to_string(answer.status) + " Whatever\r\n" + answer.headers +
                "Connection: close\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n" +
                answer.body);
  }

  const std::function<HttpAnswer(const HttpCall&)> answer_;
  mutable std::mutex mutex_;
  std::vector<HttpCall> calls_;
  RawServer server_;
};

}  // namespace test
