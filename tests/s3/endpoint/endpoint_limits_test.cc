// What clients of the embedded endpoint may take of it: time, memory, its disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "s3/endpoint/body.h"
#include "s3/endpoint/server.h"
#include "s3/endpoint/verify.h"
#include "tests/support/client_fixture.h"
#include "tests/support/raw_client.h"

namespace s3 {
namespace {

namespace fs = std::filesystem;
using endpoint::Server;
using endpoint::ServerOptions;
using std::chrono::milliseconds;
using test::ClientFixture;
using test::RawClient;
using test::WithBucket;
using testing::HasSubstr;
using testing::StartsWith;

// Patient but for what a test says.
ServerOptions Patient() {
  auto options = WithBucket();
  options.clients.idle = options.clients.header = options.clients.stall_window = std::chrono::hours(1);
  return options;
}

// The head of a request that the server takes, and that a body of so many bytes follows.
std::string SignedHead(const Server& server, const std::string& method, const std::string& path,
                       std::size_t body_bytes) {
  HttpRequest request;
  request.method = method;
  request.endpoint = {"http", "127.0.0.1", server.port()};
  request.path = path;
  Signer("us-east-1")
      .SignHeaders(&request, kUnsignedPayload, server.credentials(), std::chrono::system_clock::now());
  auto head = method + " " + path + " HTTP/1.1\r\n";
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  return head + "content-length: " + std::to_string(body_bytes) + "\r\n\r\n";
}

void WaitUntilNobodyIsConnected(const Server& server) {
  while (server.stats().connections > 0) std::this_thread::yield();
}

TEST(SlowClientTest, SaysNothing) {
  auto options = Patient();
  options.clients.idle = milliseconds(20);
  const Server server(options);
  EXPECT_EQ(RawClient(server.port()).ReadToTheEnd(), "");
}

TEST(SlowClientTest, DoesNotEndItsHeaders) {
  auto options = Patient();
  options.clients.header = milliseconds(20);
  const Server server(options);
  RawClient client(server.port());
  client.Say("GET / HTTP/1.1\r\nhost: h\r\nx-a: ");
  EXPECT_EQ(client.ReadToTheEnd(), "");
  RawClient drips(server.port());
  drips.Say("GET / HTTP/1.1\r\nhost: h\r\nx-a: ");
  drips.SayUntilClosed("a");
  EXPECT_TRUE(server.stats().requests.empty());
}

TEST(SlowClientTest, KeepsAConnectionForNothing) {
  auto options = Patient();
  options.clients.idle = milliseconds(50);
  const Server server(options);
  std::string answer;
  while (answer.empty()) {  // on a busy machine the request, too, may come too late
    RawClient client(server.port());
    client.Say(SignedHead(server, "HEAD", "/bucket", 0));
    answer = client.ReadToTheEnd();
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
}

TEST(SlowClientTest, StopsAmidItsBody) {
  auto options = Patient();
  options.clients.stall_window = milliseconds(20);
  Server server(options);
  RawClient client(server.port());
  client.Say(SignedHead(server, "PUT", "/bucket/k", 100'000) + "only this");
  EXPECT_EQ(client.ReadToTheEnd(), "");
  EXPECT_EQ(server.store().CountObjects("bucket"), 0u);
}

TEST(SlowClientTest, DripsItsBody) {
  test::TempDir directory;
  auto options = Patient();
  options.clients.stall_window = milliseconds(50);
  options.storage = endpoint::Storage::kDirectory;
  options.directory = directory.path();
  Server server(options);
  RawClient client(server.port());
  client.Say(SignedHead(server, "PUT", "/bucket/k", 100'000'000));
  client.SayUntilClosed("drip");
  WaitUntilNobodyIsConnected(server);
  EXPECT_EQ(server.store().CountObjects("bucket"), 0u);
  EXPECT_TRUE(fs::is_empty(directory / ".uploads")) << "what came of it is gone";
}

TEST(SlowClientTest, DoesNotReadItsAnswer) {
  auto options = Patient();
  options.clients.stall_window = milliseconds(50);
  ClientFixture fixture(options);
  ASSERT_TRUE(fixture.Put("k", std::string(32 << 20, 'x')).answer);
  const auto before = fixture.server.stats().connections;
  RawClient client(fixture.server.port());
  client.Say(SignedHead(fixture.server, "GET", "/bucket/k", 0));
  while (fixture.server.stats().requests["GetObject"] == 0) std::this_thread::yield();
  while (fixture.server.stats().connections > before) std::this_thread::yield();
  EXPECT_LT(client.ReadToTheEnd().size(), 32u << 20);
}

// The endpoint's own slowness is nobody's fault.
TEST(SlowClientTest, IsNotOneThatTheEndpointKeepsWaiting) {
  auto options = Patient();
  options.clients.stall_window = milliseconds(1000);
  options.clients.stall_bytes = 1 << 20;
  options.bandwidth_bytes = 200'000;
  ClientFixture fixture(options);
  const auto settled = fixture.Put("k", std::string(300'000, 'x'));
  ASSERT_TRUE(settled.answer) << settled.answer.error().message;
  EXPECT_EQ(settled.attempts, 1);
}

TEST(ConnectionLimitTest, MoreWaitUntilOthersEnd) {
  auto options = Patient();
  options.clients.connections = 3;
  options.clients.idle = milliseconds(50);
  ClientFixture fixture(options);
  const RawClient first(fixture.server.port()), second(fixture.server.port()), third(fixture.server.port());
  EXPECT_TRUE(fixture.Put("k", "x").answer);
  EXPECT_EQ(fixture.server.stats().max_connections, 3);
}

TEST(HeaderLimitTest, TooManyAndTooLongOnesAreRefused) {
  const Server server(Patient());
  std::string many = "GET / HTTP/1.1\r\nhost: h\r\n";
  for (int i = 0; i < 200; ++i) many += "x-" + std::to_string(i) + ": 1\r\n";
  RawClient client(server.port());
  client.Say(many + "connection: close\r\n\r\n");
  EXPECT_THAT(client.ReadToTheEnd(), StartsWith("HTTP/1.1 400"));
  RawClient endless(server.port());
  endless.Say("GET / HTTP/1.1\r\nhost: h\r\nx: ");
  while (endless.Say(std::string(4096, 'x'))) {
  }
}

// Counts what it is given.
class Counted final : public endpoint::ObjectUpload {
 public:
  explicit Counted(std::uint64_t* bytes) : bytes_(bytes) {}
  void Write(std::string_view bytes) override { *bytes_ += bytes.size(); }
  std::shared_ptr<const endpoint::ObjectData> Finish() override { return nullptr; }

 private:
  std::uint64_t* const bytes_;
};

class ChunkTest : public testing::Test {
 protected:
  ChunkTest() {
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

TEST_F(ChunkTest, BytesGoOnAsTheyCome) {
  constexpr std::uint64_t kChunk = 1ull << 30;
  const auto call = CallOf(kSignedChunks, kChunk);
  endpoint::BodyReceiver receiver(call, options_, std::make_unique<Counted>(&written_), "");
  ASSERT_FALSE(receiver.Take(Head(kChunk, "00")));
  const std::string piece(1 << 16, 'x');
  for (std::uint64_t sent = 0; sent < 32 << 20; sent += piece.size()) {
    ASSERT_FALSE(receiver.Take(piece));
    ASSERT_EQ(written_, sent + piece.size()) << "a chunk that nobody has checked is not kept in memory";
  }
}

TEST_F(ChunkTest, LargeOnesAreCheckedAtTheirEnd) {
  const std::string piece(1 << 20, 'x');
  constexpr int kPieces = 70;  // more than one chunk could have before
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

TEST_F(ChunkTest, NoMoreIsTakenThanWasDeclared) {
  const auto call = CallOf(kUnsignedTrailer, 5);
  endpoint::BodyReceiver receiver(call, options_, std::make_unique<Counted>(&written_), "");
  ASSERT_FALSE(receiver.Take("3\r\nabc\r\n"));
  const auto refusal = receiver.Take("fffffff\r\ndefgh");
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->body, HasSubstr("IncompleteBody"));
  EXPECT_LE(written_, 5u);
}

TEST_F(ChunkTest, TrailersEnd) {
  const auto call = CallOf(kUnsignedTrailer, 0);
  endpoint::BodyReceiver receiver(call, options_, std::make_unique<Counted>(&written_), "");
  auto refusal = receiver.Take("0\r\n");
  int lines = 0;
  for (; !refusal && lines < 1'000'000; ++lines)
    refusal = receiver.Take("x-amz-checksum-crc32c: mnG7TA==\r\n");
  EXPECT_LT(lines, 1000);
}

TEST_F(ChunkTest, DocumentsEnd) {
  endpoint::Call call;  // no upload: CompleteMultipartUpload, say
  endpoint::BodyReceiver receiver(call, options_, nullptr, "");
  const std::string piece(1 << 20, '<');
  std::optional<endpoint::Reply> refusal;
  for (int i = 0; i < 8; ++i) ASSERT_FALSE(receiver.Take(piece));
  refusal = receiver.Take("<");
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->body, HasSubstr("MaxMessageLengthExceeded"));
}

// What lies in the directory of a store need not be the store's.
class StoreDirectoryTest : public testing::Test {
 protected:
  ServerOptions InDirectory() const {
    auto options = WithBucket();
    options.storage = endpoint::Storage::kDirectory;
    options.directory = directory_ / "store";
    return options;
  }
  endpoint::Store Open() const { return {endpoint::Storage::kDirectory, directory_ / "store"}; }

  test::TempDir directory_;
};

TEST_F(StoreDirectoryTest, DataOutsideIsNoObjects) {
  directory_.Write("outside", "not yours");
  for (const auto& name : {std::string("../../outside"), directory_ / "outside",
                           std::string(64, 'a') + "-1-1.data/../x", std::string("other.data")}) {
    { ClientFixture fixture(InDirectory()); }
    directory_.Write(
        "store/bucket/" + std::string(64, '0') + ".meta",
        R"({"key":"a2V5","size":9,"etag":"e","sha256":"s","modified":0,"headers":[],"tagging":"",)"
        R"("checksum":[],"data":[[")" +
            name + R"(",9]]})");
    EXPECT_THROW(Open(), std::runtime_error) << name;
    fs::remove_all(directory_ / "store");
    EXPECT_EQ(test::ReadAll(directory_ / "outside"), "not yours");
  }
}

TEST_F(StoreDirectoryTest, LinksAreNotFollowed) {
  directory_.Write("outside/file", "not yours");
  directory_.Write("outside/1-1", "nor this");
  const auto outside = directory_ / "outside";
  fs::create_directories(directory_ / "store");
  fs::create_directory_symlink(outside, directory_ / "store/.uploads");
  EXPECT_THROW(Open(), std::runtime_error);
  EXPECT_EQ(test::ReadAll(outside + "/1-1"), "nor this") << "uploads of a crash are taken away, not these";
  fs::remove(directory_ / "store/.uploads");
  fs::create_directory_symlink(outside, directory_ / "store/linked");
  EXPECT_FALSE(Open().HasBucket("linked"));
  ClientFixture fixture(InDirectory());
  // In the place of the object's description, and of its next version.
  const auto meta = directory_ / "store/bucket/" + Sha256Hex("k") + ".meta";
  fs::create_symlink(outside + "/file", meta + ".new");
  ASSERT_TRUE(fixture.Put("k", "x").answer);
  EXPECT_EQ(test::ReadAll(outside + "/file"), "not yours");
  EXPECT_FALSE(fs::is_symlink(meta));
  // In the place of its data.
  for (const auto& entry : fs::directory_iterator(directory_ / "store/bucket")) {
    if (entry.path().extension() != ".data") continue;
    fs::remove(entry);
    fs::create_symlink(outside + "/file", entry);
  }
  EXPECT_THROW(fixture.Stored("k"), std::system_error);
  ASSERT_EQ(mkfifo((directory_ / "store/bucket/x.meta").c_str(), 0600), 0);
  EXPECT_THROW(Open(), std::runtime_error) << "and did not wait for a writer";
}

TEST_F(StoreDirectoryTest, ABucketThatWasADirectoryOfSomebodyElseIsNotRemoved) {
  directory_.Write("store/thesis/chapter1.tex", "years of work");
  ClientFixture fixture(InDirectory());
  auto& store = fixture.server.store();
  EXPECT_EQ(store.DeleteBucket("thesis"), endpoint::Store::Deleted::kNotEmpty);
  EXPECT_EQ(test::ReadAll(directory_ / "store/thesis/chapter1.tex"), "years of work");
  // Its own leftovers of a crash are no reason to keep one.
  directory_.Write("store/bucket/" + std::string(64, 'a') + "-1-2.data", "orphan");
  directory_.Write("store/bucket/" + std::string(64, 'a') + ".meta.new", "{");
  EXPECT_EQ(store.DeleteBucket("bucket"), endpoint::Store::Deleted::kYes);
  EXPECT_FALSE(fs::exists(directory_ / "store/bucket"));
}

TEST_F(StoreDirectoryTest, ADiskThatFailsIsAnAnswer) {
  ClientFixture fixture(InDirectory(), {}, 2);
  fs::remove_all(directory_ / "store");
  const auto settled = fixture.Put("k", "x");
  ASSERT_FALSE(settled.answer);
  EXPECT_EQ(settled.answer.error().code, "InternalError");
  EXPECT_EQ(settled.attempts, 2);
  fs::create_directories(directory_ / "store/.uploads");
  fs::create_directories(directory_ / "store/bucket");
  EXPECT_TRUE(fixture.Put("k", "x").answer) << "and it goes on";
}

}  // namespace
}  // namespace s3
