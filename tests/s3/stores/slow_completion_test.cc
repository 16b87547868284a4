// Stores that take long to complete an upload, and are asked again meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/strict_store.h"

namespace s3 {
namespace {

using test::kStrictStoreBody;
using test::NoRetryIsShown;
using test::OutcomeOf;
using test::StrictStoreClient;

// StrictStoreOptions in which a second completion is refused while the first is still at work; then the
// object is there.
TEST(CompletionTest, NoRefusalShowsThatAnEarlierCompletionCameToNothing) {
  for (const auto* code :
       {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "NoSuchUpload", "NoSuchKey"}) {
    const int status = std::string_view(code).starts_with("NoSuch") ? 404 : 400;
    // The first fails without an outcome, the second is refused, and meanwhile the first is executed.
    StrictStoreClient made({.completions = {{503, "ServiceUnavailable", false}, {status, code, true}}});
    EXPECT_EQ(OutcomeOf(made.Complete()), "success") << code;
    StrictStoreClient later(
        {.completions = {{503, "ServiceUnavailable", false}, {status, code, false}, {status, code, true}}});
    EXPECT_EQ(OutcomeOf(later.Complete()), "success") << code << ", executed after the second refusal";
    // It is never executed: a failure after all attempts.
    StrictStoreClient never(
        {.completions = {{503, "", false}, {status, code, false}, {status, code, false}}});
    EXPECT_FALSE(never.Complete().answer);
    EXPECT_EQ(never.store.requests().back(), "Head");
    // There was no earlier completion: the refusal is final.
    StrictStoreClient first({.completions = {{status, code, false}}});
    EXPECT_FALSE(first.Complete().answer);
  }
}

// An earlier session may have started to complete the upload.
TEST(SlowCompletion, AResumedUploadMayAlreadyBeCompleting) {
  StrictStoreClient made({.completions = {{400, "InvalidPart", false}, {400, "InvalidPart", true}}});
  MultipartUpload created(&made.client, {"k", &made.properties});
  ASSERT_TRUE(created.Create(NoRetryIsShown).answer);
  made.upload.emplace(&made.client, ObjectTarget{"k", &made.properties}, created.token(),
                      created.upload_id());
  EXPECT_EQ(OutcomeOf(made.CompleteIt()), "success");
}

TEST(SlowCompletion, ACompletionHasItsOwnStallWindow) {
  for (const bool late : {true, false}) {
    std::atomic<bool> gone{false};
    TransportOptions options;
    options.stall_window = std::chrono::milliseconds(100);
    options.completion_window = std::chrono::seconds(60);
    EventLoopGroup loops(options, 1, 4);
    HttpResponse quick, slow;
    test::RawServer silent([&](int fd) {
      test::ReadRequest(fd);
      gone.wait(false);
    });
    // Sends nothing until the other exchange has stalled with the ordinary window.
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
    std::thread asks([&] {
      auto request = request_to(server.endpoint());
      request.responds_late = late;
      BlockingWaiter().Wait([&](Wake wake) { loops.Send(std::move(request), &slow, wake); });
    });
    BlockingWaiter().Wait([&](Wake wake) { loops.Send(request_to(silent.endpoint()), &quick, wake); });
    BlockingWaiter().Wait([&](Wake wake) { loops.Send(request_to(silent.endpoint()), &quick, wake); });
    if (!late) asks.join();
    gone = true;
    gone.notify_all();
    if (late) asks.join();
    EXPECT_TRUE(quick.failure) << "it has stalled";
    EXPECT_EQ(slow.failure.has_value(), !late) << (slow.failure ? slow.failure->message : "");
  }
  const ObjectProperties none;
  const BucketAddress bucket{Endpoint{"http", "h", 80}, "/"};
  const auto complete =
      BuildCompleteMultipartUpload(bucket, {"k", &none}, "u", 1, ChecksumAlgorithm::kNone, "", "");
  EXPECT_TRUE(complete.responds_late);
}

}  // namespace
}  // namespace s3
