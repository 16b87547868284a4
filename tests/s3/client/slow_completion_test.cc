// Stores that go on completing an upload after the request for it has failed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/strict_store.h"

namespace s3 {
namespace slow_completion_test {

using namespace test_stores;

// Stores refuse a second completion in these ways while the first one is still in progress.
TEST(SlowCompletionTest, NoRefusalProvesThatAnEarlierCompletionFailed) {
  for (const auto* code :
       {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "NoSuchUpload", "NoSuchKey"}) {
    const int status = std::string_view(code).starts_with("NoSuch") ? 404 : 400;
    // The first one fails, the second one is refused, and meanwhile the first one is finished.
    StrictStoreFixture fixture({.completions = {{503, "ServiceUnavailable", false}, {status, code, true}}});
    EXPECT_EQ(ResultText(fixture.UploadMultipart()), "success") << code;
    StrictStoreFixture later(
        {.completions = {{503, "ServiceUnavailable", false}, {status, code, false}, {status, code, true}}});
    EXPECT_EQ(ResultText(later.UploadMultipart()), "success")
        << code << ", finished after the second refusal";
    // The first one is never finished: the upload fails after the last attempt.
    StrictStoreFixture never(
        {.completions = {{503, "", false}, {status, code, false}, {status, code, false}}});
    EXPECT_FALSE(never.UploadMultipart().response);
    EXPECT_EQ(never.store.requests().back(), "Head");
    // There was no earlier completion: the refusal is final.
    StrictStoreFixture first({.completions = {{status, code, false}}});
    EXPECT_FALSE(first.UploadMultipart().response);
  }
}

TEST(SlowCompletionTest, AnEarlierSessionMayHaveStartedACompletion) {
  StrictStoreFixture fixture({.completions = {{400, "InvalidPart", false}, {400, "InvalidPart", true}}});
  MultipartUpload created(&fixture.client, {"k", &fixture.properties});
  ASSERT_TRUE(created.Create(IgnoreRetries).response);
  fixture.upload.emplace(&fixture.client, ObjectTarget{"k", &fixture.properties}, created.token(),
                         created.upload_id());
  EXPECT_EQ(ResultText(fixture.UploadPartAndComplete()), "success");
}

TEST(SlowCompletionTest, ACompletionHasItsOwnStallWindow) {
  for (const bool late : {true, false}) {
    std::atomic<bool> gone{false};
    TransportOptions options;
    options.kind = test::TransportUnderTest();
    options.stall_window = std::chrono::milliseconds(100);
    options.completion_window = std::chrono::seconds(60);
    EventLoopGroup loops(options, 1, 4);
    HttpResponse quick, slow;
    test::RawServer silent([&](int fd) {
      test::ReadRequest(fd);
      gone.wait(false);
    });
    // Sends nothing until the exchange with `silent` has stalled. Both exchanges have the same stall window.
    test::RawServer server([&](int fd) {
      test::ReadRequest(fd);
      gone.wait(false);
      test::Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    const auto request_to = [](const Endpoint& endpoint) {
      HttpRequest request;
      request.method = "POST";
      request.endpoint = endpoint;
      request.path = "/b/k";
      return request;
    };
    std::thread task([&] {
      auto request = request_to(server.endpoint());
      request.responds_late = late;
      BlockingWaiter().Wait([&](Wake wake) { loops.Send(std::move(request), &slow, wake); });
    });
    BlockingWaiter().Wait([&](Wake wake) { loops.Send(request_to(silent.endpoint()), &quick, wake); });
    BlockingWaiter().Wait([&](Wake wake) { loops.Send(request_to(silent.endpoint()), &quick, wake); });
    if (!late) task.join();
    gone = true;
    gone.notify_all();
    if (late) task.join();
    EXPECT_TRUE(quick.failure) << "it has stalled";
    EXPECT_EQ(slow.failure.has_value(), !late) << (slow.failure ? slow.failure->message : "");
  }
  const ObjectProperties none;
  const BucketAddress bucket{Endpoint{"http", "h", 80}, "/"};
  const auto complete =
      BuildCompleteMultipartUpload(bucket, {"k", &none}, "u", 1, ChecksumAlgorithm::kNone, "", "");
  EXPECT_TRUE(complete.responds_late);
}

}  // namespace slow_completion_test
}  // namespace s3
