// Bodies that are sent from a file: by the kernel's sendfile, and through libcurl.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "s3/base/unique_fd.h"
#include "s3/client/multipart.h"
#include "s3/transport/event_loop.h"
#include "tests/support/client_fixture.h"
#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace s3 {
namespace file_body_test {

using test::RawServer;
using test::ReadRequest;
using test::Say;
using testing::HasSubstr;

const std::string kOk = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n";

enum class Way {
  kKernel,        // sendfile
  kLibcurlSends,  // direct, but connections may go through a proxy
  kLibcurl,       // the libcurl transport
};

class FileBodyTest : public testing::TestWithParam<Way> {
 protected:
  FileBodyTest() : content_(3'000'000, '\0') {
    auto random = test::SeededRandom();
    for (auto& c : content_) c = static_cast<char>(random());
    path_ = directory_.Write("f", content_);
    if (GetParam() == Way::kLibcurl) options_.kind = TransportKind::kLibcurl;
    if (GetParam() == Way::kLibcurlSends) {
      options_.proxy.url = Secret("http://127.0.0.1:9");
      options_.proxy.no_proxy = "127.0.0.1";
    }
  }

  HttpResponse Put(EventLoop& loop, const Endpoint& endpoint, int fd, std::uint64_t offset,
                   std::uint64_t bytes) {
    HttpRequest request;
    request.method = "PUT";
    request.endpoint = endpoint;
    request.path = "/bucket/f";
    request.body_file = {fd, offset, bytes};
    HttpResponse response;
    BlockingWaiter().Wait([&](Wake wake) { loop.Send(std::move(request), &response, wake); });
    return response;
  }

  // Reads the body that belongs to `head`.
  static std::string ReadBody(int fd, const std::string& head) {
    if (head.empty()) return "(no request)";
    if (head.find("Expect:") != std::string::npos) Say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    const std::string_view name = "Content-Length: ";
    std::string body(std::stoul(head.substr(head.find(name) + name.size())), '\0');
    const auto begun = head.substr(head.find("\r\n\r\n") + 4);
    std::copy(begun.begin(), begun.end(), body.begin());
    for (auto at = begun.size(); at < body.size();) {
      const auto got = read(fd, body.data() + at, body.size() - at);
      if (got <= 0) return "(cut off)";
      at += static_cast<std::size_t>(got);
    }
    return body;
  }

  test::TempDir directory_;
  std::string content_, path_;
  TransportOptions options_;
};

TEST_P(FileBodyTest, ArrivesWholeFromAnyOffset) {
  std::string body;
  RawServer server([&](int fd) {
    for (std::string head; !(head = ReadRequest(fd)).empty();) {
      body = ReadBody(fd, head);
      Say(fd, kOk);
    }
  });
  EventLoop loop(options_, 4);
  const UniqueFd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  for (const auto& [offset, bytes] :
       {std::pair<std::uint64_t, std::uint64_t>{0, 1}, {1, 4095}, {0, 3'000'000}, {777'777, 2'000'001}}) {
    const auto response = Put(loop, server.endpoint(), file.get(), offset, bytes);
    ASSERT_FALSE(response.failure) << response.failure->message;
    ASSERT_EQ(response.status, 200);
    ASSERT_TRUE(body == content_.substr(offset, bytes)) << offset;
  }
  EXPECT_EQ(server.connections, 1);
}

TEST_P(FileBodyTest, AResendStartsAtItsBeginning) {
  std::string body;
  int requests = 0;
  RawServer server([&](int fd) {
    for (std::string head; !(head = ReadRequest(fd)).empty();) {
      if (++requests == 2) return;  // the idle connection dies with the request on it
      body = ReadBody(fd, head);
      Say(fd, kOk);
    }
  });
  EventLoop loop(options_, 4);
  const UniqueFd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  for (int i = 0; i < 2; ++i) {
    body.clear();
    ASSERT_EQ(Put(loop, server.endpoint(), file.get(), 5, 900'000).status, 200);
    ASSERT_TRUE(body == content_.substr(5, 900'000));
  }
  EXPECT_EQ(requests, 3);
}

TEST_P(FileBodyTest, AFileThatIsTooShortHasChanged) {
  RawServer server([&](int fd) { ReadBody(fd, ReadRequest(fd)); });
  EventLoop loop(options_, 4);
  const UniqueFd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  std::filesystem::resize_file(path_, 2'000'000);
  const auto response = Put(loop, server.endpoint(), file.get(), 0, 3'000'000);
  ASSERT_TRUE(response.failure);
  EXPECT_EQ(response.failure->kind, ErrorKind::kChanged);
  EXPECT_THAT(response.failure->message, HasSubstr("it ends at byte 2000000"));
}

TEST_P(FileBodyTest, AFileThatCannotBeReadIsALocalError) {
  RawServer server([&](int fd) { ReadBody(fd, ReadRequest(fd)); });
  EventLoop loop(options_, 4);
  const UniqueFd directory(open("/", O_RDONLY | O_CLOEXEC));
  const auto response = Put(loop, server.endpoint(), directory.get(), 0, 10);
  ASSERT_TRUE(response.failure);
  EXPECT_EQ(response.failure->kind, ErrorKind::kLocal);
  EXPECT_THAT(response.failure->message, HasSubstr("Is a directory"));
}

std::string NameOfWay(const testing::TestParamInfo<Way>& info) {
  const char* const names[] = {"Kernel", "LibcurlSends", "Libcurl"};
  return names[static_cast<std::size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Ways, FileBodyTest, testing::Values(Way::kKernel, Way::kLibcurlSends, Way::kLibcurl),
                         NameOfWay);

// The bytes that are sent can differ from those that were hashed. The store notices, at every attempt.
TEST(FilePayloadTest, AChangeBetweenHashingAndSendingIsNoticed) {
  using endpoint::FaultAction;
  for (const auto payload : {PayloadMode::kSha256, PayloadMode::kUnsigned}) {
    endpoint::FaultRule refused;
    refused.operation = "UploadPart";
    refused.action = FaultAction::kStatus;
    refused.status = 503;
    test::ClientFixture fixture(test::WithBucket({refused}), {.payload = payload}, 2);
    ASSERT_TRUE(fixture.client.SendsFromFiles());
    test::TempDir directory;
    const std::string content(100'000, 'a');
    const auto path = directory.Write("f", content);
    const UniqueFd file(open(path.c_str(), O_RDWR | O_CLOEXEC));
    PayloadDigests digests(fixture.client.integrity());
    digests.Update(content);
    bool has_changed = false;
    const auto digested = digests.Finish(FileRange{file.get(), 0, content.size()}, [&]() -> Result<void> {
      if (has_changed) return Fail(ErrorKind::kChanged, "changed");
      return {};
    });
    MultipartUpload upload(&fixture.client, {"k", &fixture.properties});
    ASSERT_TRUE(upload.Create(test::IgnoreRetries).response);
    const auto changed = upload.UploadPart(
        1, digested, [&](const RetryEvent&) { ASSERT_EQ(pwrite(file.get(), "b", 1, 77), 1); });
    ASSERT_FALSE(changed.response);
    EXPECT_EQ(changed.response.error().kind, ErrorKind::kIntegrity) << changed.response.error().message;
    has_changed = true;
    const auto known = upload.UploadPart(1, digested, test::IgnoreRetries);
    ASSERT_FALSE(known.response);
    EXPECT_EQ(known.response.error().kind, ErrorKind::kChanged) << known.response.error().message;
    EXPECT_EQ(known.attempts, 1) << "resent although the file has changed";
    ASSERT_EQ(pwrite(file.get(), "a", 1, 77), 1);
    EXPECT_TRUE(upload.UploadPart(1, digested, test::IgnoreRetries).response);
    EXPECT_EQ(fixture.server.stats().faults_injected, 1u);
  }
}

// Two kinds of bodies are not sent from files: signed chunks, because they are made in memory, and bodies
// without a digest before them, because the store could not notice a change on the way.
TEST(FilePayloadTest, OnlyBodiesWithADigestBeforeThemAreSentFromFiles) {
  const auto sends = [](IntegrityOptions integrity) {
    return test::ClientFixture(test::WithBucket(), integrity).client.SendsFromFiles();
  };
  EXPECT_TRUE(sends({}));
  EXPECT_FALSE(sends({.payload = PayloadMode::kStreaming}));
  EXPECT_FALSE(sends({.payload = PayloadMode::kUnsigned, .checksum = ChecksumAlgorithm::kNone}));
  EXPECT_FALSE(sends({.checksum = ChecksumAlgorithm::kCrc32c, .trailer = true}));
}

}  // namespace file_body_test
}  // namespace s3
