#include "s3/api/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/support.h"

namespace s3 {
namespace sigv4_test {

SystemTime TimeOf(const char* text, const char* format) {
  std::tm utc{};
  EXPECT_NE(strptime(text, format, &utc), nullptr);
  return std::chrono::system_clock::from_time_t(timegm(&utc));
}

// --- The AWS suite: canonical request, string to sign and signature are each compared with its files.

struct SuiteCase {
  nlohmann::json context;
  std::string method, path, body;
  std::vector<QueryParam> query;
  std::vector<Header> headers;
};

// Normalises a path as the suite's "normalize" requires for services other than S3: as in RFC 3986, 5.2.4,
// and with one slash instead of several. S3 never normalises, so the product has no such code.
std::string Normalise(const std::string& path) {
  std::vector<std::string> kept;
  std::string segment;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && path[i] != '/') {
      segment += path[i];
      continue;
    }
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    segment.clear();
  }
  std::string normal;
  for (const auto& part : kept) normal += "/" + part;
  if (normal.empty() || path.ends_with('/')) normal += "/";
  return normal;
}

SuiteCase ReadCase(const std::string& directory) {
  SuiteCase suite_case;
  suite_case.context = nlohmann::json::parse(test::ReadAll(directory + "/context.json"));
  const auto text = test::ReadAll(directory + "/request.txt");
  const auto head_end = std::min(text.find("\n\n"), text.size());
  if (head_end < text.size()) suite_case.body = text.substr(head_end + 2);
  const auto lines = test::Lines(text.substr(0, head_end));
  const auto& first = lines.at(0);
  const auto space = first.find(' '), end = first.rfind(" HTTP/");
  suite_case.method = first.substr(0, space);
  const auto target = first.substr(space + 1, end - space - 1);
  const auto mark = target.find('?');
  const auto path = target.substr(0, mark);
  suite_case.path = UriEncode(suite_case.context.at("normalize") ? Normalise(path) : path, true);
  for (auto query = mark == std::string::npos ? "" : target.substr(mark + 1); !query.empty();) {
    const auto pair = query.substr(0, query.find('&'));
    query.erase(0, pair.size() + 1);
    const auto equals = pair.find('=');
    suite_case.query.emplace_back(
        UriDecode(pair.substr(0, equals)).value(),
        equals == std::string::npos ? "" : UriDecode(pair.substr(equals + 1)).value());
  }
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].starts_with(' ')) {
      suite_case.headers.back().value += "\n" + lines[i];
      continue;
    }
    const auto colon = lines[i].find(':');
    suite_case.headers.push_back({lines[i].substr(0, colon), lines[i].substr(colon + 1)});
  }
  return suite_case;
}

class SigV4Suite : public testing::TestWithParam<std::string> {
 protected:
  void Compare(const std::string& kind, const SuiteCase& suite_case, const std::vector<QueryParam>& query,
               const std::vector<Header>& headers) {
    const auto golden = [&](const std::string& stage) {
      return test::ReadAll(GetParam() + "/" + kind + "-" + stage + ".txt");
    };
    const auto& context = suite_case.context;
    const auto amz_date =
        AmzDate(TimeOf(context.at("timestamp").get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%SZ"));
    const CredentialScope scope{amz_date.substr(0, 8), context.at("region"), context.at("service")};
    const auto canonical = BuildCanonicalRequest(suite_case.method, suite_case.path, query, headers, {},
                                                 Sha256Hex(suite_case.body));
    EXPECT_EQ(canonical.text, golden("canonical-request"));
    const auto string_to_sign = StringToSign(amz_date, scope.Text(), canonical.text);
    EXPECT_EQ(string_to_sign, golden("string-to-sign"));
    const Secret secret(context.at("credentials").at("secret_access_key").get<std::string>());
    EXPECT_EQ(Signature(SigningKey(secret, scope), string_to_sign), golden("signature"));
  }
};

TEST_P(SigV4Suite, Header) {
  const auto suite_case = ReadCase(GetParam());
  const auto& credentials = suite_case.context.at("credentials");
  auto headers = suite_case.headers;
  headers.push_back({"X-Amz-Date", "20150830T123600Z"});
  if (suite_case.context.at("sign_body"))
    headers.push_back({"x-amz-content-sha256", Sha256Hex(suite_case.body)});
  if (credentials.contains("token") && !suite_case.context.value("omit_session_token", false)) {
    headers.push_back({"X-Amz-Security-Token", credentials.at("token")});
  }
  Compare("header", suite_case, suite_case.query, headers);
}

TEST_P(SigV4Suite, Query) {
  const auto suite_case = ReadCase(GetParam());
  const auto& context = suite_case.context;
  const auto& credentials = context.at("credentials");
  auto query = suite_case.query;
  query.emplace_back("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
  query.emplace_back("X-Amz-Credential", credentials.at("access_key_id").get<std::string>() +
                                             "/20150830/us-east-1/service/aws4_request");
  query.emplace_back("X-Amz-Date", "20150830T123600Z");
  query.emplace_back("X-Amz-Expires", std::to_string(context.at("expiration_in_seconds").get<int>()));
  query.emplace_back("X-Amz-SignedHeaders",
                     BuildCanonicalRequest("", "", {}, suite_case.headers, {}, "").signed_headers);
  if (credentials.contains("token") && !context.value("omit_session_token", false)) {
    query.emplace_back("X-Amz-Security-Token", credentials.at("token"));
  }
  Compare("query", suite_case, query, suite_case.headers);
}

std::vector<std::string> SuiteCases() {
  std::vector<std::string> cases;
  if (!std::filesystem::is_directory(SIGV4_SUITE_DIR)) return cases;
  for (const auto& entry : std::filesystem::directory_iterator(SIGV4_SUITE_DIR))
    cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, SigV4Suite, testing::ValuesIn(SuiteCases()), [](const auto& test_case) {
  auto name = std::filesystem::path(test_case.param).filename().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SigV4Suite);

TEST(SigV4SuiteTest, HasAllItsCasesIfItIsInstalled) {
  if (!std::filesystem::is_directory(SIGV4_SUITE_DIR)) GTEST_SKIP() << "no suite beside this checkout";
  EXPECT_EQ(SuiteCases().size(), 38u);
}

// --- S3's own rules: the worked examples of the S3 API reference.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

const Credentials kExample{"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                           Secret()};
const Endpoint kExampleHost{"https", "examplebucket.s3.amazonaws.com", 443};

SystemTime ExampleTime() { return TimeOf("20130524T000000Z", "%Y%m%dT%H%M%SZ"); }

HttpRequest ExampleRequest(std::string method, std::string path, std::vector<QueryParam> query = {},
                           std::vector<Header> headers = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.endpoint = kExampleHost;
  request.path = std::move(path);
  request.query = std::move(query);
  request.headers = std::move(headers);
  return request;
}

std::string SignatureOf(HttpRequest request, std::string_view payload) {
  Signer("us-east-1").SignHeaders(&request, Sha256Hex(payload), kExample, ExampleTime());
  const auto& authorization = request.headers.back();
  EXPECT_EQ(authorization.name, "authorization");
  return authorization.value.substr(authorization.value.rfind('=') + 1);
}

TEST(SigV4S3ExamplesTest, GetObjectWithRange) {
  EXPECT_EQ(SignatureOf(ExampleRequest("GET", "/test.txt", {}, {{"range", "bytes=0-9"}}), ""),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4S3ExamplesTest, PutObjectWithDollarInItsKey) {
  EXPECT_EQ(SignatureOf(ExampleRequest("PUT", "/" + UriEncode("test$file.text", true), {},
                                       {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                                        {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}),
                        "Welcome to Amazon S3."),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SigV4S3ExamplesTest, GetBucketLifecycle) {
  EXPECT_EQ(SignatureOf(ExampleRequest("GET", "/", {{"lifecycle", ""}}), ""),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(SigV4S3ExamplesTest, ListObjects) {
  EXPECT_EQ(SignatureOf(ExampleRequest("GET", "/", {{"max-keys", "2"}, {"prefix", "J"}}), ""),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4S3ExamplesTest, Presigned) {
  auto request = ExampleRequest("GET", "/test.txt");
  Signer("us-east-1").SignQuery(&request, kUnsignedPayload, kExample, ExampleTime(), std::chrono::hours(24));
  EXPECT_EQ(request.query.back().first, "X-Amz-Signature");
  EXPECT_EQ(request.query.back().second, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

// The examples of signed chunks: 65 KiB of 'a' in chunks of 64 KiB, 1 KiB and 0 bytes.
class SigV4ChunkExamplesTest : public testing::Test {
 protected:
  static constexpr std::string_view kDate = "20130524T000000Z";

  std::string Seed(std::string payload_hash, std::vector<Header> headers) {
    auto request = ExampleRequest("PUT", "/examplebucket/chunkObject.txt", {}, std::move(headers));
    request.endpoint = {"https", "s3.amazonaws.com", 443};
    request.headers.push_back({"content-encoding", "aws-chunked"});
    request.headers.push_back({"x-amz-decoded-content-length", "66560"});
    request.headers.push_back({"x-amz-storage-class", "REDUCED_REDUNDANCY"});
    Signer("us-east-1").SignHeaders(&request, payload_hash, kExample, ExampleTime());
    const auto& value = request.headers.back().value;
    return value.substr(value.rfind('=') + 1);
  }

  // The signatures of the three chunks that follow a seed.
  std::vector<std::string> Chunks(std::string previous) {
    std::vector<std::string> signatures;
    for (const std::size_t size : {65536u, 1024u, 0u}) {
      previous = Signature(
          key_, ChunkStringToSign(kDate, scope_.Text(), previous, Sha256Hex(std::string(size, 'a'))));
      signatures.push_back(previous);
    }
    return signatures;
  }

  const CredentialScope scope_{"20130524", "us-east-1", "s3"};
  const Sha256Digest key_ = SigningKey(kExample.secret_access_key, scope_);
};

TEST_F(SigV4ChunkExamplesTest, SignedChunks) {
  const auto seed = Seed("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", {{"content-length", "66824"}});
  EXPECT_EQ(seed, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  EXPECT_THAT(Chunks(seed),
              testing::ElementsAre("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                                   "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                                   "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"));
}

TEST_F(SigV4ChunkExamplesTest, SignedChunksWithATrailer) {
  const auto seed =
      Seed("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", {{"x-amz-trailer", "x-amz-checksum-crc32c"}});
  EXPECT_EQ(seed, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
  const auto chunks = Chunks(seed);
  EXPECT_THAT(chunks,
              testing::ElementsAre("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                                   "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                                   "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"));
  EXPECT_EQ(Signature(key_, TrailerStringToSign(kDate, scope_.Text(), chunks.back(),
                                                "x-amz-checksum-crc32c:sOO8/Q==\n")),
            "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
}

// --- What the Signer adds.

TEST(SignerTest, SignsTheSessionTokenAndEveryHeader) {
  auto request = ExampleRequest("PUT", "/k", {}, {{"content-type", "text/plain"}});
  Credentials credentials = kExample;
  credentials.session_token = Secret("TOKEN");
  Signer("us-east-1").SignHeaders(&request, Sha256Hex(""), credentials, ExampleTime());
  EXPECT_THAT(request.headers.back().value,
              testing::HasSubstr(
                  "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"));
}

// The signature does not depend on the list that a header is in.
TEST(SignerTest, SecretHeadersAreSignedLikeTheOthers) {
  const auto sign = [](std::vector<Header> headers, std::vector<SecretHeader> secret) {
    auto request = ExampleRequest("PUT", "/k", {}, std::move(headers));
    request.secret_headers = std::move(secret);
    return Signer("us-east-1").SignHeaders(&request, Sha256Hex(""), kExample, ExampleTime());
  };
  const Header a{"a", "1"}, key{"m-key", "a  b "}, z{"z", "3"};
  const auto expected = sign({a, key, z}, {});
  EXPECT_EQ(sign({a, z}, {{key.name, Secret(key.value)}}), expected);
  EXPECT_EQ(sign({}, {{z.name, Secret(z.value)}, {key.name, Secret(key.value)}, {a.name, Secret(a.value)}}),
            expected);
}

TEST(SignerTest, DerivesANewKeyWhenTheDayOrTheSecretChanges) {
  Signer signer("us-east-1");
  const auto sign = [&](const Credentials& credentials, SystemTime time) {
    auto request = ExampleRequest("GET", "/test.txt");
    signer.SignHeaders(&request, Sha256Hex(""), credentials, time);
    return request.headers.back().value;
  };
  Credentials other = kExample;
  other.secret_access_key = Secret("another");
  std::set<std::string> values{sign(kExample, ExampleTime()), sign(other, ExampleTime()),
                               sign(kExample, ExampleTime() + std::chrono::hours(24))};
  EXPECT_EQ(values.size(), 3u);
  EXPECT_TRUE(values.contains(sign(kExample, ExampleTime())))
      << "the cached key is the day's and the secret's own";
}

TEST(SignerTest, ThePortIsSignedOnlyIfItIsNotTheDefault) {
  EXPECT_EQ((Endpoint{"http", "h", 80}.HostHeader()), "h");
  EXPECT_EQ((Endpoint{"https", "h", 443}.HostHeader()), "h");
  EXPECT_EQ((Endpoint{"http", "h", 443}.HostHeader()), "h:443");
  EXPECT_EQ((Endpoint{"http", "[::1]", 9000}.HostHeader()), "[::1]:9000");
}

}  // namespace sigv4_test
}  // namespace s3
