#include "s3/endpoint/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/endpoint/verify.h"
#include "tests/support/endpoint_fixture.h"

namespace s3 {
namespace body_test {

using endpoint::ServerOptions;
using test::EndpointFixture;
using test::WithBucket;
using testing::HasSubstr;

TEST(Body, APayloadWithAnotherDigestThanTheSignedOneIsRefused) {
  EndpointFixture fixture(WithBucket());
  const ObjectProperties none;
  auto payload = MakePayload("sent", {.checksum = ChecksumAlgorithm::kNone});
  payload.sha256 = Sha256Hex("promised");
  const auto result = fixture.client.PutObject({"k", &none}, payload, "", [](const RetryEvent&) {});
  ASSERT_FALSE(result.response);
  EXPECT_EQ(result.response.error().code, "XAmzContentSHA256Mismatch");
  EXPECT_EQ(result.response.error().kind, ErrorKind::kIntegrity);
  EXPECT_EQ(result.attempts, fixture.options.retry.max_attempts);
  EXPECT_EQ(fixture.Stored("k"), "(absent)");
}

// Counts the bytes that it receives.
class Counted final : public endpoint::ObjectUpload {
 public:
  explicit Counted(std::uint64_t* bytes) : bytes_(bytes) {}
  void Write(std::string_view bytes) override { *bytes_ += bytes.size(); }
  std::shared_ptr<const endpoint::ObjectData> Finish() override { return nullptr; }

 private:
  std::uint64_t* const bytes_;
};

class BodyReceiverTest : public testing::Test {
 protected:
  BodyReceiverTest() {
    options_.access_key_id = "id";
    options_.secret_access_key = Secret("secret");
  }
  endpoint::Call CallOf(std::string_view mode, std::uint64_t declared) const {
    endpoint::Call call;
    call.headers = {
        {"x-amz-content-sha256", std::string(mode)},
        {"x-amz-decoded-content-length", std::to_string(declared)},
        {"x-amz-date", "20200101T000000Z"},
        {"authorization", "AWS4-HMAC-SHA256 Credential=id/20200101/us-east-1/s3/aws4_request, Signature=00"}};
    return call;
  }
  static std::string Head(std::uint64_t size, const std::string& signature) {
    return fmt::format("{:x};chunk-signature={}\r\n", size, signature);
  }

  ServerOptions options_;
  std::uint64_t written_ = 0;
};

TEST_F(BodyReceiverTest, BytesAreWrittenAsTheyArrive) {
  constexpr std::uint64_t kChunk = 1ull << 30;
  const auto call = CallOf(kSignedChunks, kChunk);
  endpoint::BodyReceiver receiver(call, options_, std::make_unique<Counted>(&written_), "");
  ASSERT_FALSE(receiver.Take(Head(kChunk, "00")));
  const std::string piece(1 << 16, 'x');
  for (std::uint64_t sent = 0; sent < 32 << 20; sent += piece.size()) {
    ASSERT_FALSE(receiver.Take(piece));
    ASSERT_EQ(written_, sent + piece.size()) << "an unverified chunk is not kept in memory";
  }
}

TEST_F(BodyReceiverTest, ALargeChunkIsVerifiedAtItsEnd) {
  const std::string piece(1 << 20, 'x');
  constexpr int kPieces = 70;
  const auto call = CallOf(kSignedChunks, kPieces * piece.size());
  Digest hash(Digest::Kind::kSha256);
  for (int i = 0; i < kPieces; ++i) hash.Update(piece);
  const auto first = endpoint::ExpectedChunkSignature(call, options_, endpoint::SeedSignature(call),
                                                      HexEncode(hash.Finish()));
  const auto last = endpoint::ExpectedChunkSignature(call, options_, first, Sha256Hex(""));
  for (const bool right : {true, false}) {
    endpoint::BodyReceiver receiver(call, options_, std::make_unique<Counted>(&written_), "");
    ASSERT_FALSE(receiver.Take(Head(kPieces * piece.size(), right ? first : last)));
    for (int i = 0; i < kPieces; ++i) ASSERT_FALSE(receiver.Take(piece));
    const auto refusal = receiver.Take("\r\n" + Head(0, last) + "\r\n");
    if (right) {
      EXPECT_FALSE(refusal);
      EXPECT_FALSE(receiver.Finish());
      EXPECT_EQ(receiver.Result().size_bytes, kPieces * piece.size());
    } else {
      ASSERT_TRUE(refusal);
      EXPECT_THAT(refusal->body, HasSubstr("SignatureDoesNotMatch"));
    }
  }
}

TEST_F(BodyReceiverTest, MoreBytesThanDeclaredAreRefused) {
  const auto call = CallOf(kUnsignedTrailer, 5);
  endpoint::BodyReceiver receiver(call, options_, std::make_unique<Counted>(&written_), "");
  ASSERT_FALSE(receiver.Take("3\r\nabc\r\n"));
  const auto refusal = receiver.Take("fffffff\r\ndefgh");
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->body, HasSubstr("IncompleteBody"));
  EXPECT_LE(written_, 5u);
}

TEST_F(BodyReceiverTest, TrailersHaveALimit) {
  const auto call = CallOf(kUnsignedTrailer, 0);
  endpoint::BodyReceiver receiver(call, options_, std::make_unique<Counted>(&written_), "");
  auto refusal = receiver.Take("0\r\n");
  int lines = 0;
  for (; !refusal && lines < 1'000'000; ++lines)
    refusal = receiver.Take("x-amz-checksum-crc32c: mnG7TA==\r\n");
  EXPECT_LT(lines, 1000);
}

TEST_F(BodyReceiverTest, DocumentsHaveALimit) {
  endpoint::Call call;  // an operation without an upload, such as CompleteMultipartUpload
  endpoint::BodyReceiver receiver(call, options_, nullptr, "");
  const std::string piece(1 << 20, '<');
  std::optional<endpoint::Reply> refusal;
  for (int i = 0; i < 8; ++i) ASSERT_FALSE(receiver.Take(piece));
  refusal = receiver.Take("<");
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->body, HasSubstr("MaxMessageLengthExceeded"));
}

}  // namespace body_test
}  // namespace s3
