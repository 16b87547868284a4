// Stores that refuse optional headers: the request is sent again without them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/strict_store.h"

namespace s3 {
namespace {

using test::NoRetryIsShown;
using test::OutcomeOf;
using test::StrictStoreClient;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

struct Refusal {
  std::string header, code, message;
  int status;
};

// Each way to refuse an optional header costs one more request, once per run.
TEST(OptionalHeaders, ARefusedHeaderIsLeftOutForTheRestOfTheRun) {
  const Refusal refusals[] = {
      {"x-amz-mp-object-size", "NotImplemented", "A header you provided implies what is not implemented",
       501},
      {"x-amz-mp-object-size", "", "", 501},
      {"x-amz-mp-object-size", "InvalidArgument", "Unsupported header 'X-Amz-Mp-Object-Size' received", 400},
      {"x-amz-mp-object-size", "NotImplemented", "no", 400},
      {"x-amz-mp-object-size", "", "", 400},
      {"x-amz-mp-object-size", "MethodNotAllowed", "no", 405},
      {"x-amz-checksum-type", "NotImplemented", "no", 501},
      {"x-amz-checksum-type", "InvalidArgument", "no x-amz-checksum-type here", 400}};
  for (const auto& [header, code, message, status] : refusals) {
    const bool checksum = header == "x-amz-checksum-type";
    StrictStoreClient made({.refused_header = header,
                            .refusal_status = status,
                            .refusal_code = code,
                            .refusal_message = message},
                           {.checksum = checksum ? ChecksumAlgorithm::kCrc64Nvme : ChecksumAlgorithm::kMd5,
                            .etag_of_parts_is_md5 = false});
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(OutcomeOf(made.Complete()), "success") << header << status << code;
      EXPECT_TRUE(made.store.has_object());
    }
    EXPECT_EQ(made.store.with_refused_header(), 1) << header << status << code;
    EXPECT_THAT(made.notices, Contains(HasSubstr(header)));
  }
}

TEST(OptionalHeaders, ARefusedChecksumModeIsLeftOutOfHead) {
  for (const int status : {501, 400, 405}) {
    StrictStoreClient made({.refused_header = "x-amz-checksum-mode", .refusal_status = status},
                           {.checksum = ChecksumAlgorithm::kCrc32c});
    ASSERT_TRUE(made.Put().answer);
    EXPECT_EQ(OutcomeOf(made.client.HeadObject({"k", &made.properties}, NoRetryIsShown)), "success")
        << status;
    EXPECT_EQ(OutcomeOf(made.client.HeadObject({"k", &made.properties}, NoRetryIsShown)), "success")
        << status;
    EXPECT_EQ(made.store.with_refused_header(), 1);
  }
}

// The refused header is not optional, or the refusal is about something else.
TEST(OptionalHeaders, ARequiredHeaderIsNotLeftOut) {
  const Refusal refusals[] = {{"x-amz-mp-object-size", "InvalidRequest",
                               "x-amz-mp-object-size does not match", 400},  // what S3 sends for a wrong size
                              {"x-amz-mp-object-size", "EntityTooSmall", "a part is too small", 400},
                              {"x-amz-mp-object-size", "AccessDenied", "no", 403},
                              {"x-amz-tagging", "NotImplemented", "no x-amz-tagging", 501},
                              {"content-md5", "InvalidArgument", "no", 400}};
  for (const auto& [header, code, message, status] : refusals) {
    StrictStoreClient made({.refused_header = header,
                            .refusal_status = status,
                            .refusal_code = code,
                            .refusal_message = message});
    made.properties.Set("x-amz-tagging", "a=b");
    made.upload.emplace(&made.client, ObjectTarget{"k", &made.properties});
    auto ended = made.upload->Create(NoRetryIsShown);
    if (ended.answer) ended = made.CompleteIt();
    EXPECT_FALSE(ended.answer) << header << code;
    EXPECT_GE(made.store.with_refused_header(), 1);
    EXPECT_THAT(made.notices, IsEmpty());
  }
}

// Without the type, S3 would make a composite checksum of the parts' CRC32Cs.
TEST(OptionalHeaders, TheChecksumTypeOfACrc32cIsRequired) {
  StrictStoreClient made({.refused_header = "x-amz-checksum-type"}, {.checksum = ChecksumAlgorithm::kCrc32c});
  made.upload.emplace(&made.client, ObjectTarget{"k", &made.properties});
  EXPECT_FALSE(made.upload->Create(NoRetryIsShown).answer);
  EXPECT_EQ(made.store.with_refused_header(), 1);
}

TEST(OptionalHeaders, ARefusedExpectIsLeftOut) {
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
    EventLoopGroup loops(TransportOptions{}, 1, 4);
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

}  // namespace
}  // namespace s3
