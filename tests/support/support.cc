#include "tests/support/support.h"

#include <signal.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace test {

// Ignores SIGPIPE, as s3flow does: a peer may close its connection early.
[[maybe_unused]] const auto kBefore = signal(SIGPIPE, SIG_IGN);

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "s3flow-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(const std::string& name, std::string_view content) const {
  const auto path = path_ + "/" + name;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::mt19937_64 SeededRandom() {
  const char* given = std::getenv("S3FLOW_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("S3FLOW_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return std::mt19937_64(seed);
}

s3::TransportKind TransportUnderTest() {
  const char* name = getenv("S3FLOW_TEST_TRANSPORT");
  const bool is_libcurl = name != nullptr && std::string_view(name) == "libcurl";
  return is_libcurl ? s3::TransportKind::kLibcurl : s3::TransportKind::kDirect;
}

s3::Options OptionsFor(const s3::endpoint::Server& server) {
  s3::Options options;
  options.destination.bucket = "bucket";
  options.destination.endpoint = server.endpoint();
  options.retry.base_delay = std::chrono::milliseconds(1);
  options.retry.cap = std::chrono::milliseconds(5);
  options.transport.kind = TransportUnderTest();
  return options;
}

std::string Content(std::size_t size, unsigned seed) {
  std::string content(size, '\0');
  for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 * seed + i / 251);
  return content;
}

s3::endpoint::FaultRule FaultOn(std::string operation, s3::endpoint::FaultAction action, int attempts) {
  s3::endpoint::FaultRule rule;
  rule.operation = std::move(operation);
  rule.action = action;
  rule.last_attempt = attempts;
  return rule;
}

void ScriptedTransport::Send(s3::HttpRequest&& request, s3::HttpResponse* response, s3::Wake wake) {
  requests.push_back(std::move(request));
  *response = answers_.at(requests.size() - 1);
  wake();
}

void ScriptedTransport::WakeAfter(std::chrono::milliseconds delay, s3::Wake wake) {
  sleeps.push_back(delay);
  wake();
}

s3::HttpResponse Answered(int status, std::vector<std::string> header_lines, std::string body) {
  s3::HttpResponse response;
  response.status = status;
  for (const auto& line : header_lines) response.headers.AppendLine(line + "\r\n");
  response.body = std::move(body);
  return response;
}

std::string ErrorXml(std::string_view code, std::string_view extra) {
  return "<?xml version=\"1.0\"?><Error><Code>" + std::string(code) + "</Code><Message>told so</Message>" +
         std::string(extra) + "</Error>";
}

}  // namespace test
