// Measures what each piece of one upload costs alone. Built with -DS3FLOW_BENCH=ON, run by bench/micro.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pipeline/graph/graph.h"
#include "pipeline/graph/source.h"
#include "pipeline/journal/journal.h"
#include "pipeline/journal/record.h"
#include "pipeline/source/walk.h"
#include "pipeline/upload/object.h"
#include "s3/api/sigv4.h"
#include "s3/hash/checksum.h"
#include "s3/hash/hash.h"
#include "s3/hash/hash_stream.h"
#include "s3/transport/direct/response_parser.h"

namespace {

namespace fs = std::filesystem;

void Bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

template <auto Function>
void BM_Digest(benchmark::State& state) {
  const std::string data(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(Function(data));
  Bytes(state);
}

constexpr auto kSha256 = [](std::string_view data) { return s3::Sha256(data); };
constexpr auto kMd5 = [](std::string_view data) { return s3::Md5(data); };
constexpr auto kCrc32c = [](std::string_view data) { return s3::Crc32c(data); };
constexpr auto kCrc64Nvme = [](std::string_view data) { return s3::Crc64Nvme(data); };
BENCHMARK(BM_Digest<kSha256>)->Arg(4 << 10)->Arg(128 << 10);
BENCHMARK(BM_Digest<kMd5>)->Arg(128 << 10);
BENCHMARK(BM_Digest<kCrc32c>)->Arg(4 << 10)->Arg(128 << 10);
BENCHMARK(BM_Digest<kCrc64Nvme>)->Arg(4 << 10)->Arg(128 << 10);

// Arguments: the bytes of each stream, and how many streams are hashed at once.
template <s3::HashStream::Kind kKind, s3::Sha256Engine kEngine>
void BM_HashStreams(benchmark::State& state) {
  if (!s3::Has(kEngine)) return state.SkipWithError("this processor lacks the engine's instructions");
  const std::string data(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    std::vector<s3::HashStream> streams;
    std::vector<s3::HashStream::Piece> pieces;
    for (int i = 0; i < state.range(1); ++i) streams.emplace_back(kKind, kEngine);
    for (auto& stream : streams) pieces.push_back({&stream, data});
    s3::HashStream::UpdateAll(pieces);
    for (auto& stream : streams) benchmark::DoNotOptimize(stream.Finish());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0) * state.range(1));
}
using Kind = s3::HashStream::Kind;
using Engine = s3::Sha256Engine;
BENCHMARK(BM_HashStreams<Kind::kSha256, Engine::kOpenSsl>)->ArgsProduct({{128 << 10}, {1}});
BENCHMARK(BM_HashStreams<Kind::kSha256, Engine::kAvx2>)->ArgsProduct({{128 << 10}, {1, 4, 8}});
BENCHMARK(BM_HashStreams<Kind::kSha256, Engine::kShaExtensions>)->ArgsProduct({{128 << 10}, {1, 2, 4}});
BENCHMARK(BM_HashStreams<Kind::kMd5, Engine::kOpenSsl>)->ArgsProduct({{128 << 10}, {1, 2, 4, 8}});
BENCHMARK(BM_HashStreams<Kind::kBoth, Engine::kOpenSsl>)->ArgsProduct({{128 << 10}, {1, 8}});
BENCHMARK(BM_HashStreams<Kind::kBoth, Engine::kAvx2>)->ArgsProduct({{128 << 10}, {1, 4, 8}});
BENCHMARK(BM_HashStreams<Kind::kBoth, Engine::kShaExtensions>)->ArgsProduct({{128 << 10}, {1, 2, 4}});

void BM_SignHeaders(benchmark::State& state) {
  s3::Signer signer("us-east-1");
  s3::Credentials credentials;
  credentials.access_key_id = "AKIDEXAMPLE";
  credentials.secret_access_key = s3::Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  const auto hash = s3::Sha256Hex("");
  const auto now = std::chrono::system_clock::now();
  for (auto _ : state) {
    s3::HttpRequest request;
    request.method = "PUT";
    request.endpoint = {"http", "127.0.0.1", 7480};
    request.path = "/bucket/run42/some/directory/0000042.dat";
    request.headers = {{"content-type", "application/octet-stream"}};
    benchmark::DoNotOptimize(signer.SignHeaders(&request, hash, credentials, now));
  }
}
BENCHMARK(BM_SignHeaders);

void BM_ParseResponse(benchmark::State& state) {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\n"
      "Content-Length: 0\r\nConnection: keep-alive\r\nETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\n"
      "x-amz-request-id: 0123456789ABCDEF\r\n\r\n";
  s3::ResponseParser parser;
  for (auto _ : state) {
    s3::HttpResponse response;
    parser.Begin(false, &response);
    if (parser.Take(kAnswer) != s3::ResponseParser::State::kComplete) state.SkipWithError("not complete");
    benchmark::DoNotOptimize(response);
  }
}
BENCHMARK(BM_ParseResponse);

pipeline::ObjectResult SomeResult() {
  pipeline::InputFile file{"/data/run42/some/directory/0000042.dat", "run42/some/directory/0000042.dat"};
  file.size_bytes = 4096;
  pipeline::ObjectResult result;
  result.file = std::make_shared<const pipeline::InputFile>(std::move(file));
  result.outcome = pipeline::Outcome::kUploaded;
  result.size_bytes = 4096;
  result.mtime_ns = 1'700'000'000'123'456'789;
  result.etag = "\"d41d8cd98f00b204e9800998ecf8427e\"";
  result.sha256 = s3::Sha256Hex("");
  result.attempts = 1;
  result.seconds = std::chrono::duration<double>(0.00123);
  return result;
}

void BM_ResultLine(benchmark::State& state) {
  const auto result = SomeResult();
  for (auto _ : state) benchmark::DoNotOptimize(pipeline::ResultLine(result));
}
BENCHMARK(BM_ResultLine);

void BM_JournalAppend(benchmark::State& state) {
  const auto path = (fs::temp_directory_path() / fmt::format("s3flow-micro-{}", getpid())).string();
  const auto line = pipeline::ResultLine(SomeResult());
  {
    auto journal = pipeline::OwnDir::Make(path).and_then(
        [](const auto& directory) { return pipeline::Journal::Open(directory, 0, nullptr); });
    if (!journal) return state.SkipWithError(journal.error().message.c_str());
    for (auto _ : state) {
      if (!(*journal)->Append(line)) state.SkipWithError("cannot append");
    }
  }
  fs::remove_all(path);
}
BENCHMARK(BM_JournalAppend);

// One task through source, upload and sink, with a store that responds at once.
void BM_Graph(benchmark::State& state) {
  constexpr int kTasks = 10'000;
  const auto file = SomeResult().file;
  for (auto _ : state) {
    int left = kTasks;
    std::atomic<int> recorded = 0;
    pipeline::Graph({static_cast<int>(state.range(0)), 0})
        .Run({.next = [&]() -> std::optional<pipeline::SourceItem> {
                if (left == 0) return std::nullopt;
                --left;
                return pipeline::UploadTask{std::make_shared<pipeline::Object>(file, s3::PartPlan{}), 1};
              },
              .upload = [&](const pipeline::UploadTask& task) -> std::optional<pipeline::ObjectResult> {
                pipeline::ObjectResult result;
                result.file = task.object->shared_file();
                return result;
              },
              .record = [&](const pipeline::ObjectResult&) { ++recorded; }});
    if (recorded != kTasks) state.SkipWithError("a task was lost");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kTasks);
}
BENCHMARK(BM_Graph)->Arg(64)->Arg(1024)->Unit(benchmark::kMillisecond)->UseRealTime();

// Files for the walk, 100 in a directory. Made once, in the temporary directory.
class Tree {
 public:
  static constexpr int kFiles = 100'000;

  Tree() {
    for (int i = 0; i < kFiles; ++i) {
      const auto directory = root_ / std::to_string(i / 100);
      if (i % 100 == 0) fs::create_directories(directory);
      std::ofstream(directory / fmt::format("{:07}", i));
    }
  }
  ~Tree() { fs::remove_all(root_); }

  pipeline::SourceRoot root(std::int64_t threads) const {
    pipeline::SourceRoot root;
    root.path = root_.string();
    root.threads = static_cast<int>(threads);
    return root;
  }

 private:
  const fs::path root_ = fs::temp_directory_path() / fmt::format("s3flow-micro-{}", getpid());
};

void BM_Walk(benchmark::State& state) {
  static const Tree tree;
  for (auto _ : state) {
    pipeline::Walk walk({tree.root(1)}, "run42/");
    int found = 0;
    while (walk.Next()) ++found;
    if (found != Tree::kFiles) state.SkipWithError("files are missing");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * Tree::kFiles);
}
BENCHMARK(BM_Walk)->Unit(benchmark::kMillisecond)->UseRealTime();

// The walk, which passes inputs to the graph. Argument: the number of threads.
void BM_Source(benchmark::State& state) {
  static const Tree tree;
  for (auto _ : state) {
    pipeline::Progress progress;
    const pipeline::History history;
    s3::BlockingWaiter waiter;
    pipeline::Source source(pipeline::FinderOf(pipeline::Walk({tree.root(state.range(0))}, "run42/")), {}, {},
                            {}, &history, &progress);
    int found = 0;
    for (; source.Next(&waiter); ++found) source.InputDone();
    if (found != Tree::kFiles) state.SkipWithError("files are missing");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * Tree::kFiles);
}
BENCHMARK(BM_Source)->Arg(1)->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
