#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "s3/base/waiter.h"
#include "s3/transport/event_loop_group.h"
#include "tests/support/both_transports.h"
#include "tests/support/raw_server.h"

namespace s3 {
namespace expect_continue_test {

class ExpectContinueTest : public test::BothTransports {};

TEST_P(ExpectContinueTest, ARefusedExpectIsLeftOutFromThenOn) {
  const std::string large(2 << 20, 'x');
  for (const int status : {417, 501}) {
    std::atomic<int> asked{0};
    test::RawServer server([&](int fd) {
      const auto head = test::ReadRequest(fd);
      if (head.find("Expect:") != std::string::npos) {
        ++asked;
        return test::Say(fd, "HTTP/1.1 " + std::to_string(status) + "\r\nContent-Length: 0\r\n\r\n");
      }
      std::vector<char> buffer(1 << 16);
      for (std::size_t got = test::ParseCall(head).body.size(); got < large.size();) {
        const auto more = read(fd, buffer.data(), buffer.size());
        if (more <= 0) return;
        got += static_cast<std::size_t>(more);
      }
      test::Say(fd, "HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    EventLoopGroup loops(Options(), 1, 4);
    for (int i = 0; i < 2; ++i) {
      HttpRequest request;
      request.method = "PUT";
      request.endpoint = server.endpoint();
      request.path = "/b/k";
      request.body = large;
      HttpResponse response;
      BlockingWaiter().Wait([&](Wake wake) { loops.Send(std::move(request), &response, wake); });
      EXPECT_EQ(response.status, 200);
    }
    EXPECT_EQ(asked, 1) << status;
  }
}

INSTANTIATE_TEST_SUITE_P(Transports, ExpectContinueTest, test::kBothTransports, test::KindName);

}  // namespace expect_continue_test
}  // namespace s3
