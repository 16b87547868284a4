// A client on loopback that violates the protocol.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace test {

class RawClient {
 public:
  explicit RawClient(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Returns false if the server no longer reads.
  bool Say(std::string_view text) {
    while (!text.empty()) {
      const auto sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Returns all bytes until the server closes the connection.
  std::string ReadToTheEnd() {
    std::string text;
    char buffer[4096];
    for (ssize_t got; (got = recv(fd_, buffer, sizeof buffer, 0)) > 0;)
      text.append(buffer, static_cast<std::size_t>(got));
    return text;
  }
  // Sends `text` repeatedly, at most once in 2 ms, until the server has closed the connection.
  void SayUntilClosed(std::string_view text) {
    pollfd waiting{fd_, POLLIN | POLLRDHUP, 0};
    while (poll(&waiting, 1, 2) == 0) {
      if (!Say(text)) return;
    }
  }

 private:
  const int fd_;
};

}  // namespace test
