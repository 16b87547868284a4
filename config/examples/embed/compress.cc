// Compresses files in parallel, and uploads the results as they are ready.
//
//   compress ENDPOINT BUCKET FILE...
//
//   [ read ] --> [ compress, one per core ] --> [ UploadNode ] --> [ report ]
//
// The limiter takes its decrements as numbers: a continue_msg would count only once for both edges to the
// decrementer. It keeps at most kMaxBuffers compressed files in memory, because the node frees a buffer
// before it gives the result.
#include <isa-l/igzip_lib.h>
#include <oneapi/tbb/flow_graph.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>

#include "options.h"
#include "s3flow/upload_node.h"

namespace {

namespace flow = tbb::flow;

constexpr std::size_t kMaxBuffers = 16;

// Returns `text` in gzip format; empty if it could not be compressed.
std::string Gzip(std::string text) {
  std::string level_buffer(ISAL_DEF_LVL1_DEFAULT, '\0');
  std::string packed(text.size() + text.size() / 8 + 1024, '\0');
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.level = 1;
  stream.level_buf = reinterpret_cast<std::uint8_t*>(level_buffer.data());
  stream.level_buf_size = static_cast<std::uint32_t>(level_buffer.size());
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.next_in = reinterpret_cast<std::uint8_t*>(text.data());
  stream.avail_in = static_cast<std::uint32_t>(text.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(packed.data());
  stream.avail_out = static_cast<std::uint32_t>(packed.size());
  if (isal_deflate_stateless(&stream) != COMP_OK) return "";
  packed.resize(stream.total_out);
  return packed;
}

// Returns the file's content in gzip format. If the file cannot be read or compressed, prints why and returns
// an empty text.
std::string Compressed(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return "";
  }
  auto packed = text.size() <= UINT32_MAX ? Gzip(std::move(text)) : "";
  if (packed.empty()) std::fprintf(stderr, "%s: cannot be compressed in one piece\n", path.c_str());
  return packed;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: compress ENDPOINT BUCKET FILE...\n");
    return 64;
  }
  auto uploader = s3flow::Uploader::Open(OptionsFor(argv[1], argv[2], "packed/"));
  if (!uploader) {
    std::fprintf(stderr, "compress: %s\n", uploader.error().message.c_str());
    return 78;
  }
  int next = 3, stored = 0;
  std::atomic<int> failed = 0;

  flow::graph graph;
  flow::input_node<std::string> files(graph, [&](tbb::flow_control& control) -> std::string {
    if (next == argc) control.stop();
    return next == argc ? "" : argv[next++];
  });
  flow::limiter_node<std::string, int> limiter(graph, kMaxBuffers);
  using Compress = flow::multifunction_node<std::string, std::tuple<s3flow::Upload, int>>;
  Compress compress(graph, flow::unlimited, [&](const std::string& path, Compress::output_ports_type& out) {
    auto packed = Compressed(path);
    if (packed.empty()) {
      ++failed;
      std::get<1>(out).try_put(1);
      return;
    }
    const auto key = std::filesystem::path(path).filename().string() + ".gz";
    std::get<0>(out).try_put(s3flow::UploadBuffer(s3flow::MoveToBuffer(std::move(packed)), key,
                                                  {{"content-type", "application/gzip"}}));
  });
  s3flow::UploadNode upload(graph, std::move(*uploader));
  using Report = flow::multifunction_node<s3flow::UploadResult, std::tuple<int>>;
  Report report(graph, flow::serial, [&](const s3flow::UploadResult& result, Report::output_ports_type& out) {
    if (IsStored(result)) {
      ++stored;
      std::printf("%s: %llu bytes\n", result.key.c_str(), static_cast<unsigned long long>(result.bytes));
    } else {
      ++failed;
    }
    std::get<0>(out).try_put(1);
  });
  flow::make_edge(files, limiter);
  flow::make_edge(limiter, compress);
  flow::make_edge(flow::output_port<0>(compress), flow::input_port<0>(upload));
  flow::make_edge(flow::output_port<1>(compress), limiter.decrementer());
  flow::make_edge(upload, report);
  flow::make_edge(flow::output_port<0>(report), limiter.decrementer());
  files.activate();
  graph.wait_for_all();
  std::printf("%d stored, %d failed\n", stored, failed.load());
  return failed == 0 ? 0 : 1;
}
