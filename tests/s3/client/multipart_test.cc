// Multipart uploads to the embedded endpoint: how they end, whatever happens to the responses.
#include "s3/client/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/client_fixture.h"

namespace s3 {
namespace multipart_test {

using endpoint::FaultAction;
using endpoint::FaultRule;
using test::Content;
using test::FaultOn;
using test::IgnoreRetries;
using test::WithBucket;
using testing::HasSubstr;

constexpr std::size_t kPartBytes = 1000;

endpoint::ServerOptions SmallParts(std::vector<FaultRule> faults = {}) {
  auto options = WithBucket(std::move(faults));
  options.min_part_bytes = kPartBytes;
  return options;
}

// Creates an upload and sends `content` in parts of kPartBytes.
struct Upload {
  Upload(test::ClientFixture* fixture, std::string_view content, std::string object_key = "k")
      : key(std::move(object_key)),
        upload(&fixture->client, {key, &fixture->properties}),
        bytes(content.size()) {
    const auto created = upload.Create(IgnoreRetries);
    EXPECT_TRUE(created.response) << created.response.error().message;
    for (int number = 1; static_cast<std::size_t>(number - 1) * kPartBytes < content.size(); ++number) {
      const auto part = content.substr(static_cast<std::size_t>(number - 1) * kPartBytes, kPartBytes);
      const auto payload = MakePayload(part, fixture->client.integrity());
      const auto sent = upload.UploadPart(number, payload, IgnoreRetries);
      EXPECT_TRUE(sent.response) << sent.response.error().message;
      if (sent.response) parts.push_back({number, part.size(), sent.response->etag, payload.checksum});
    }
  }
  RetryResult Complete() { return upload.Complete(parts, bytes, IgnoreRetries); }

  const std::string key;
  MultipartUpload upload;
  std::vector<CompletedPart> parts;
  std::uint64_t bytes;
};

TEST(MultipartTest, PartsBecomeTheObject) {
  test::ClientFixture fixture(SmallParts());
  fixture.properties.Set("x-amz-meta-colour", "blue");
  const auto content = Content(4321);
  Upload upload(&fixture, content);
  EXPECT_EQ(fixture.server.CountUploads("bucket"), 1u);
  const auto result = upload.Complete();
  ASSERT_TRUE(result.response) << result.response.error().message;
  EXPECT_EQ(fixture.Stored("k"), content);
  EXPECT_EQ(fixture.server.CountUploads("bucket"), 0u);
  EXPECT_THAT(result.response->etag, testing::EndsWith("-5\""));
  const auto head = fixture.client.HeadObject({"k"}, IgnoreRetries).response.value();
  EXPECT_EQ(head.headers.Find(kTokenHeader), upload.upload.token());
  EXPECT_EQ(head.headers.Find("x-amz-meta-colour"), "blue") << "the user's metadata and the token";
}

TEST(MultipartTest, APartListThatDoesNotAddUpIsNotCompleted) {
  const std::vector<CompletedPart> fine{{1, 10, "e", ""}, {2, 5, "e", ""}};
  EXPECT_EQ(PartListProblem(fine, 15), std::nullopt);
  EXPECT_THAT(*PartListProblem(fine, 16), HasSubstr("15 bytes together, but the object has 16"));
  EXPECT_THAT(*PartListProblem({{1, 10, "e", ""}, {3, 5, "e", ""}}, 15), HasSubstr("part 2 is missing"));
  EXPECT_THAT(*PartListProblem({{1, 10, "e", ""}, {}}, 10), HasSubstr("part 2 is missing"));
  EXPECT_THAT(*PartListProblem({{1, 10, "", ""}}, 10), HasSubstr("no ETag"));
  EXPECT_THAT(*PartListProblem({}, 0), HasSubstr("no parts"));
  test::ClientFixture fixture(SmallParts());
  Upload upload(&fixture, Content(2000));
  upload.parts.pop_back();
  EXPECT_EQ(upload.Complete().response.error().kind, ErrorKind::kIntegrity);
  EXPECT_EQ(fixture.server.stats().requests["CompleteMultipartUpload"], 0u);
}

struct Integrity {
  PayloadMode payload;
  ChecksumAlgorithm checksum;
  bool trailer;
};

class IntegrityTest : public testing::TestWithParam<Integrity> {
 protected:
  static IntegrityOptions Options() {
    return {.payload = GetParam().payload, .checksum = GetParam().checksum, .trailer = GetParam().trailer};
  }
};

TEST_P(IntegrityTest, ObjectsAndPartsOfAllSizesArrive) {
  auto options = SmallParts();
  options.threads = 2;
  test::ClientFixture fixture(options, Options());
  for (const std::size_t size : {0u, 1u, 8191u, 262'144u, 262'145u, 600'000u}) {
    const auto content = Content(size);
    const auto result = fixture.Put("whole", content);
    ASSERT_TRUE(result.response) << result.response.error().message;
    EXPECT_EQ(fixture.Stored("whole"), content);
    const auto info = fixture.server.store().Head("bucket", "whole");
    for (const auto& [name, value] : info->headers) EXPECT_NE(name, "content-encoding") << value;
  }
  const auto content = Content(3500);
  Upload upload(&fixture, content);
  const auto result = upload.Complete();
  ASSERT_TRUE(result.response) << result.response.error().message;
  EXPECT_EQ(fixture.Stored("k"), content);
  const auto verified = fixture.client.VerifyObject({"k"}, 3500, result.response->etag,
                                                    upload.upload.object_checksum(), IgnoreRetries);
  EXPECT_TRUE(verified.response) << verified.response.error().message;
  EXPECT_FALSE(fixture.client.VerifyObject({"k"}, 3501, result.response->etag, "", IgnoreRetries).response);
  EXPECT_FALSE(fixture.client.VerifyObject({"k"}, 3500, "\"other\"", "", IgnoreRetries).response);
}

// In each first attempt one bit is flipped on the way, also in framing and trailers.
TEST_P(IntegrityTest, AFlippedBitIsDetectedAndTheRequestResent) {
  if (GetParam().payload == PayloadMode::kUnsigned && GetParam().checksum == ChecksumAlgorithm::kNone) {
    GTEST_SKIP() << "with these options nothing protects the bytes";
  }
  const int rounds = 125;
  auto rule = FaultOn("PutObject", FaultAction::kFlipBit);
  rule.key = "f*";
  test::ClientFixture fixture(SmallParts({rule}), Options());
  ASSERT_TRUE(fixture.Put("credentials that worked before", "").response);
  for (int i = 0; i < rounds; ++i) {
    const auto content = Content(static_cast<std::size_t>(500 + i * 40));
    const auto key = "f" + std::to_string(i);
    const auto result = fixture.Put(key, content);
    ASSERT_TRUE(result.response) << i << ": " << result.response.error().message;
    // A flipped bit in a chunk's length can make the endpoint wait for bytes that never come. The request is
    // then cancelled as slow, and sent again without using up an attempt.
    ASSERT_LE(result.attempts, 2) << i;
    ASSERT_EQ(fixture.Stored(key), content) << i;
  }
  // The flipped bit may also turn a hexadecimal digit into its upper-case form, which changes nothing.
  const int harmless = Options().payload == PayloadMode::kStreaming ? rounds / 20 : 0;
  EXPECT_GE(fixture.server.stats().requests.at("PutObject"), 1u + 2 * rounds - harmless);
  EXPECT_EQ(fixture.server.stats().faults_injected, static_cast<std::uint64_t>(rounds));
}

std::string IntegrityName(const testing::TestParamInfo<Integrity>& test) {
  constexpr const char* kPayloads[] = {"Sha256", "Unsigned", "Streaming"};
  constexpr const char* kChecksums[] = {"Auto", "None", "Md5", "Crc32c", "Crc64Nvme", "Sha256"};
  return std::string(kPayloads[static_cast<int>(test.param.payload)]) + "With" +
         kChecksums[static_cast<int>(test.param.checksum)] + (test.param.trailer ? "Trailer" : "");
}

INSTANTIATE_TEST_SUITE_P(
    Modes, IntegrityTest,
    testing::Values(Integrity{PayloadMode::kSha256, ChecksumAlgorithm::kNone, false},
                    Integrity{PayloadMode::kSha256, ChecksumAlgorithm::kMd5, false},
                    Integrity{PayloadMode::kSha256, ChecksumAlgorithm::kCrc32c, false},
                    Integrity{PayloadMode::kSha256, ChecksumAlgorithm::kCrc64Nvme, false},
                    Integrity{PayloadMode::kSha256, ChecksumAlgorithm::kSha256, false},
                    Integrity{PayloadMode::kUnsigned, ChecksumAlgorithm::kNone, false},
                    Integrity{PayloadMode::kUnsigned, ChecksumAlgorithm::kMd5, false},
                    Integrity{PayloadMode::kUnsigned, ChecksumAlgorithm::kCrc32c, false},
                    Integrity{PayloadMode::kUnsigned, ChecksumAlgorithm::kCrc64Nvme, true},
                    Integrity{PayloadMode::kUnsigned, ChecksumAlgorithm::kSha256, true},
                    Integrity{PayloadMode::kStreaming, ChecksumAlgorithm::kNone, false},
                    Integrity{PayloadMode::kStreaming, ChecksumAlgorithm::kCrc64Nvme, false},
                    Integrity{PayloadMode::kStreaming, ChecksumAlgorithm::kCrc32c, true},
                    Integrity{PayloadMode::kStreaming, ChecksumAlgorithm::kSha256, true}),
    IntegrityName);

TEST(MultipartTest, AWrongETagOfAPartOrAnObjectIsDetected) {
  for (const auto* operation : {"UploadPart", "PutObject"}) {
    test::ClientFixture fixture(SmallParts({FaultOn(operation, FaultAction::kWrongEtag)}));
    const auto content = Content(2500);
    if (std::string_view(operation) == "PutObject") {
      EXPECT_EQ(fixture.Put("k", content).attempts, 2);
    } else {
      EXPECT_TRUE(Upload(&fixture, content).Complete().response);
      EXPECT_EQ(fixture.server.stats().requests["UploadPart"], 4u) << "one part was sent twice";
    }
    EXPECT_EQ(fixture.Stored("k"), content);
    EXPECT_EQ(fixture.server.stats().faults_injected, 1u);
  }
}

TEST(MultipartTest, AThousandWrongETagsAreDetected) {
  test::ClientFixture fixture(SmallParts({FaultOn("PutObject", FaultAction::kWrongEtag)}));
  for (int i = 0; i < 1000; ++i) {
    const auto key = std::to_string(i);
    const auto result = fixture.Put(key, "content " + key);
    ASSERT_TRUE(result.response) << result.response.error().message;
    ASSERT_EQ(result.attempts, 2);
    ASSERT_EQ(result.response->etag, "\"" + HexEncode(AsBytes(Md5("content " + key))) + "\"");
  }
  EXPECT_EQ(fixture.server.stats().faults_injected, 1000u);
}

// The object exists, but its ETag is not that of its parts: a failure without a second completion.
TEST(MultipartTest, AWrongETagOfTheCompletedObjectIsAFailure) {
  test::ClientFixture fixture(SmallParts({FaultOn("CompleteMultipartUpload", FaultAction::kWrongEtag)}));
  Upload upload(&fixture, Content(2500));
  EXPECT_EQ(upload.Complete().response.error().kind, ErrorKind::kIntegrity);
  EXPECT_EQ(fixture.server.stats().requests["CompleteMultipartUpload"], 1u);
}

// What really happened to the object, and what the client was told.
enum class Truth { kAbsent, kAnother, kOurs };
enum class Told { kNoSuchUpload, kErrorIn200, kReset, kNoResponse, kEmptyBody, kCutBody };

class LostCompletionTest : public testing::TestWithParam<std::tuple<Truth, Told>> {
 protected:
  static FaultRule Rule(Truth truth, Told told) {
    auto rule = FaultOn("CompleteMultipartUpload", FaultAction::kStatus, 1000);
    switch (told) {
      case Told::kNoSuchUpload:
        rule.status = 404;
        rule.code = "NoSuchUpload";
        break;
      case Told::kErrorIn200: rule.action = FaultAction::kErrorIn200; break;
      case Told::kReset:
        rule.action = truth == Truth::kOurs ? FaultAction::kLostResponse : FaultAction::kResetBefore;
        break;
      case Told::kNoResponse: rule.action = FaultAction::kNoResponse; break;
      // Only a completion that succeeded has a response that can be cut; the others get an error.
      case Told::kEmptyBody:
      case Told::kCutBody:
        rule.action = truth == Truth::kOurs ? FaultAction::kCutBody : FaultAction::kErrorIn200;
        rule.after_bytes = told == Told::kCutBody ? 90 : 0;
        break;
    }
    rule.applied = truth == Truth::kOurs;
    return rule;
  }
};

TEST_P(LostCompletionTest, OnlyOurOwnObjectIsASuccess) {
  const auto [truth, told] = GetParam();
  // Without a response every attempt lasts for the stall window. So there are only two attempts and fewer
  // rounds, and the rounds run in several threads.
  const bool no_answer = told == Told::kNoResponse;
  test::ClientFixture fixture(SmallParts({Rule(truth, told)}), {}, no_answer ? 2 : 8);
  constexpr int kThreads = 10;
  const int rounds = no_answer ? 20 : 100;
  const auto content = Content(2500);
  const auto round = [&, truth = truth](int i) {
    const auto key = std::to_string(i);
    if (truth == Truth::kAnother) {
      ASSERT_TRUE(fixture.Put(key, std::string(content.size(), 'x')).response);
    }
    Upload upload(&fixture, content, key);
    const auto completed = upload.Complete();
    ASSERT_EQ(completed.response.has_value(), truth == Truth::kOurs) << key;
    ASSERT_TRUE(upload.upload.Abort(IgnoreRetries).response);
    ASSERT_EQ(upload.upload.FindOwnObject(content.size(), IgnoreRetries).response.has_value(),
              truth == Truth::kOurs);
    ASSERT_EQ(fixture.Stored(key) == content, truth == Truth::kOurs);
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = thread; i < rounds; i += kThreads) round(i);
    });
  }
  for (auto& thread : threads) thread.join();
  auto stats = fixture.server.stats();
  // On a busy machine the response to a creation may come after the stall window: then no client knows the
  // upload.
  EXPECT_EQ(fixture.server.CountUploads("bucket"),
            stats.requests["CreateMultipartUpload"] - static_cast<std::uint64_t>(rounds))
      << "orphans";
  EXPECT_GE(stats.faults_injected, static_cast<std::uint64_t>(rounds));
}

std::string TruthName(const testing::TestParamInfo<std::tuple<Truth, Told>>& test) {
  constexpr const char* kTruths[] = {"Absent", "Another", "Ours"};
  constexpr const char* kTold[] = {"NoSuchUpload", "ErrorIn200", "Reset", "NoAnswer", "EmptyBody", "CutBody"};
  return std::string(kTruths[static_cast<int>(std::get<0>(test.param))]) +
         kTold[static_cast<int>(std::get<1>(test.param))];
}

INSTANTIATE_TEST_SUITE_P(TruthTable, LostCompletionTest,
                         testing::Combine(testing::Values(Truth::kAbsent, Truth::kAnother, Truth::kOurs),
                                          testing::Values(Told::kNoSuchUpload, Told::kErrorIn200,
                                                          Told::kReset, Told::kNoResponse, Told::kEmptyBody,
                                                          Told::kCutBody)),
                         TruthName);

TEST(MultipartTest, NoHeadObjectAfterARefusalThatProvesThatNothingHappened) {
  auto rule = FaultOn("CompleteMultipartUpload", FaultAction::kStatus, 1000);
  rule.status = 400;
  rule.code = "InvalidPart";
  test::ClientFixture fixture(SmallParts({rule}));
  Upload upload(&fixture, Content(2500));
  EXPECT_EQ(upload.Complete().response.error().code, "InvalidPart");
  EXPECT_EQ(fixture.server.stats().requests["HeadObject"], 0u);
  EXPECT_EQ(fixture.server.stats().requests["CompleteMultipartUpload"], 1u);
}

// The transport resends a request by itself when a reused connection dies before a response. That could
// create a second upload that no client knows. So these two requests never reuse a connection, and each of
// them is an attempt that the client counts.
TEST(MultipartTest, ADeadConnectionCausesNoUncountedCreationOrCompletion) {
  for (const auto* operation : {"CreateMultipartUpload", "CompleteMultipartUpload"}) {
    for (int round = 0; round < 20; ++round) {
      test::ClientFixture fixture(SmallParts({FaultOn(operation, FaultAction::kResetBefore)}));
      ASSERT_TRUE(fixture.Put("warm", "up").response) << "a connection to be reused";
      MultipartUpload upload(&fixture.client, {"k", &fixture.properties});
      const auto created = upload.Create(IgnoreRetries);
      ASSERT_TRUE(created.response);
      const auto payload = MakePayload("part", fixture.client.integrity());
      const auto part = upload.UploadPart(1, payload, IgnoreRetries);
      const auto completed =
          upload.Complete({{1, 4, part.response->etag, payload.checksum}}, 4, IgnoreRetries);
      ASSERT_TRUE(completed.response);
      auto requests = fixture.server.stats().requests;
      EXPECT_EQ(requests["CreateMultipartUpload"], static_cast<std::uint64_t>(created.attempts));
      EXPECT_EQ(requests["CompleteMultipartUpload"], static_cast<std::uint64_t>(completed.attempts));
      EXPECT_EQ(requests[operation], 2u);
      EXPECT_EQ(fixture.server.CountUploads("bucket"), 0u);
    }
  }
}

TEST(MultipartTest, AnAbortIsRepeatedUntilTheUploadIsGone) {
  test::ClientFixture fixture(SmallParts({FaultOn("AbortMultipartUpload", FaultAction::kStatus, 2),
                                          FaultOn("ListParts", FaultAction::kStatus, 1)}));
  Upload upload(&fixture, Content(2500));
  EXPECT_EQ(fixture.server.CountUploads("bucket"), 1u);
  EXPECT_TRUE(upload.upload.Abort(IgnoreRetries).response);
  EXPECT_EQ(fixture.server.CountUploads("bucket"), 0u);
  EXPECT_EQ(fixture.server.stats().faults_injected, 3u);
}

// The store responds 204 and keeps the upload.
TEST(MultipartTest, AnAbortIsNotBelievedWithoutListParts) {
  const std::string listed = "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>";
  test::ScriptedTransport transport({test::Answered(200, {},
                                                    "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                                                    "</InitiateMultipartUploadResult>"),
                                     test::Answered(204), test::Answered(200, {}, listed),
                                     test::Answered(204),
                                     test::Answered(404, {}, test::ErrorXml("NoSuchUpload"))});
  BlockingWaiter waiter;
  const ObjectProperties properties;
  StoreContextCache store({.region = "us-east-1"}, {{Endpoint{"http", "store", 80}, "/b/"}}, nullptr);
  auto credentials = test::Fixed({"id", Secret("secret"), Secret()});
  test::FreeAdmission free;
  Client client(&store, &credentials, &free.admission, {}, {.checksum = ChecksumAlgorithm::kNone}, &transport,
                &waiter, {});
  MultipartUpload upload(&client, {"k", &properties});
  ASSERT_TRUE(upload.Create(IgnoreRetries).response);
  EXPECT_TRUE(upload.Abort(IgnoreRetries).response);
  std::vector<std::string> methods;
  for (const auto& request : transport.requests) methods.push_back(request.method);
  EXPECT_THAT(methods, testing::ElementsAre("POST", "DELETE", "GET", "DELETE", "GET"));
}

TEST(ConditionalPutTest, OurOwnObjectIsASuccessAndAnotherWritersIsNot) {
  test::ClientFixture fixture(SmallParts({FaultOn("PutObject", FaultAction::kLostResponse)}));
  fixture.properties.Set("if-none-match", "*");
  EXPECT_TRUE(fixture.Put("ours", "body", "token").response);
  EXPECT_EQ(fixture.Stored("ours"), "body");
  const auto refused = fixture.Put("ours", "BODY", "another token").response;
  EXPECT_EQ(refused.error().http_status, 412);
  EXPECT_TRUE(SaysItExists(refused.error()));
  EXPECT_EQ(fixture.Stored("ours"), "body");
}

}  // namespace multipart_test
}  // namespace s3
