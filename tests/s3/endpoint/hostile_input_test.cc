// The endpoint receives any bytes: it accepts or refuses, and never crashes. Most useful with sanitizers; set
// S3FLOW_FUZZ_ROUNDS for a long run.
#include <gtest/gtest.h>

#include "s3/api/sigv4.h"
#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/verify.h"
#include "tests/support/mutator.h"
#include "tests/support/support.h"

namespace s3 {
namespace hostile_input_test {

using test::Mutator;
using test::Rounds;

TEST(HostileInput, ChunkedBodies) {
  const std::vector<std::string> seeds{"5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n",
                                       "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n",
                                       "ffffffffffffffff\r\n", "0\r\n\r\n"};
  Mutator mutator;
  for (int i = 0; i < Rounds(); ++i) {
    const bool is_signed = i % 2 == 0;
    endpoint::Call call;
    call.headers = {{"x-amz-content-sha256", std::string(is_signed ? kSignedChunks : kUnsignedTrailer)},
                    {"x-amz-decoded-content-length", "5"},
                    {"x-amz-date", "20200101T000000Z"},
                    {"authorization",
                     "AWS4-HMAC-SHA256 Credential=s3flow/20200101/us-east-1/s3/aws4_request, Signature=00"}};
    if (!is_signed) call.headers.push_back({"x-amz-trailer", "x-amz-checksum-crc32c"});
    const endpoint::ServerOptions options;
    endpoint::BodyReceiver receiver(call, options, endpoint::MakeNullUpload(), "");
    const auto body = mutator.Next(seeds);
    const auto cut = body.size() / 2;
    const bool taken = !receiver.Take(std::string_view(body).substr(0, cut)) &&
                       !receiver.Take(std::string_view(body).substr(cut)) && !receiver.Finish();
    // A wrong signature is never accepted, and only "hello" has this checksum.
    if (taken) {
      EXPECT_FALSE(is_signed);
      EXPECT_EQ(receiver.Result().size_bytes, 5u) << body;
    }
  }
}

TEST(HostileInput, RequestHeads) {
  const std::vector<std::string> targets{
      "/bucket/"
      "k%20e?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=s3flow%2F20200101%2Fus-east-1%2Fs3%2Faws4_"
      "request&X-Amz-Date=20200101T000000Z",
      "/?list-type=2&prefix=%", "//../%00", "*"};
  const std::vector<std::string> authorizations{
      "AWS4-HMAC-SHA256 Credential=s3flow/20200101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, "
      "Signature=00",
      "AWS4-HMAC-SHA256 ,,,=", "Basic x"};
  Mutator target, authorization;
  for (int i = 0; i < Rounds(); ++i) {
    endpoint::Call call;
    call.method = "PUT";
    call.target = target.Next(targets);
    call.headers = {{"authorization", authorization.Next(authorizations)},
                    {"x-amz-date", "20200101T000000Z"},
                    {"host", "h"}};
    if (endpoint::ParseTarget(&call, "")) {
      EXPECT_TRUE(endpoint::VerifySignature(call, {}, std::chrono::system_clock::now()))
          << "accepted without a signature";
    }
  }
}

}  // namespace hostile_input_test
}  // namespace s3
