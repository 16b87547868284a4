// When the process can open no more descriptors, the transport waits.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>

#include "s3/base/unique_fd.h"
#include "s3/transport/event_loop.h"
#include "tests/support/both_transports.h"
#include "tests/support/raw_server.h"

namespace s3 {
namespace descriptor_shortage_test {

using std::chrono::milliseconds;
using test::RawServer;

// While an object of this class exists, this process can open no descriptor.
class NoDescriptorLeft {
 public:
  NoDescriptorLeft() {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const UniqueFd lowest_free(open("/", O_RDONLY | O_CLOEXEC));
    const rlimit none{static_cast<rlim_t>(lowest_free.get()), before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptorLeft() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }

 private:
  rlimit before_{};
};

class DescriptorShortageTest : public test::BothTransports {
 protected:
  void Send() {
    HttpRequest request;
    request.method = "PUT";
    request.endpoint = server_.endpoint();
    request.path = "/";
    request.headers = {{"host", server_.endpoint().HostHeader()}};
    ended_ = false;
    loop_.Send(std::move(request), &response_,
               {[](void* ended) { static_cast<std::atomic<bool>*>(ended)->store(true); }, &ended_});
  }
  // Each timer ends in another turn of the loop, so the loop has tried to connect several times.
  void LetLoopTurn() {
    for (int turn = 0; turn < 10; ++turn)
      BlockingWaiter().Wait([&](Wake wake) { loop_.WakeAfter(milliseconds(10), wake); });
  }
  void AwaitEnd() {
    while (!ended_) std::this_thread::yield();
  }

  RawServer server_{[](int fd) {
    while (!test::ReadRequest(fd).empty()) test::Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }};
  EventLoop loop_{Options(), 4};
  HttpResponse response_;
  std::atomic<bool> ended_{false};
};

TEST_P(DescriptorShortageTest, ARequestWaitsForADescriptorWithoutFailing) {
  {
    const NoDescriptorLeft none;
    Send();
    LetLoopTurn();
    EXPECT_FALSE(ended_);
    EXPECT_EQ(server_.connections, 0);
  }
  AwaitEnd();
  EXPECT_FALSE(response_.failure) << response_.failure->message;
  EXPECT_EQ(response_.status, 200);
}

TEST_P(DescriptorShortageTest, AnAbortEndsTheWait) {
  {
    const NoDescriptorLeft none;
    Send();
    LetLoopTurn();
    loop_.Abort();
    AwaitEnd();
  }
  ASSERT_TRUE(response_.failure);
  EXPECT_EQ(response_.failure->kind, ErrorKind::kCancelled);
}

TEST_P(DescriptorShortageTest, AnIdleConnectionNeedsNoDescriptor) {
  Send();
  AwaitEnd();
  const NoDescriptorLeft none;
  Send();
  AwaitEnd();
  EXPECT_EQ(response_.status, 200);
  EXPECT_EQ(server_.connections, 1);
}

INSTANTIATE_TEST_SUITE_P(Transports, DescriptorShortageTest, test::kBothTransports, test::KindName);

}  // namespace descriptor_shortage_test
}  // namespace s3
