// Shared by the tests of all modules.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "s3/admission/admission_controller.h"
#include "s3/credentials/credential_cache.h"
#include "s3/endpoint/server.h"
#include "s3/http.h"
#include "s3/options.h"

namespace test {

// An admission controller that delays no request.
struct FreeAdmission {
  s3::RateLimits limits;
  s3::AdmissionController admission{&limits, {}};
};

// A temporary directory, which the destructor removes.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // Writes a file below the directory, and creates its parent directories. Returns its path.
  std::string Write(const std::string& name, std::string_view content) const;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string ReadAll(const std::string& path);
std::vector<std::string> Lines(const std::string& text);

// Returns a generator and prints its seed. S3FLOW_TEST_SEED sets the seed, to repeat a run.
std::mt19937_64 SeededRandom();

// Returns kDirect; with S3FLOW_TEST_TRANSPORT=libcurl in the environment, kLibcurl.
s3::TransportKind TransportUnderTest();

// Returns options for `server`'s bucket "bucket", with short delays, and TransportUnderTest().
s3::Options OptionsFor(const s3::endpoint::Server& server);

// Credentials that never change.
inline s3::CredentialCache Fixed(s3::Credentials credentials) {
  return s3::CredentialCache({std::move(credentials), "the test"}, nullptr, {}, nullptr);
}

// Returns `size` bytes in which no two parts are equal.
std::string Content(std::size_t size, unsigned seed = 1);

// Returns a fault on the first `attempts` requests of `operation` for each key.
s3::endpoint::FaultRule FaultOn(std::string operation, s3::endpoint::FaultAction action, int attempts = 1);

// A transport that returns responses from a list, and keeps the requests.
class ScriptedTransport final : public s3::Transport {
 public:
  explicit ScriptedTransport(std::vector<s3::HttpResponse> answers) : answers_(std::move(answers)) {}
  void Send(s3::HttpRequest&& request, s3::HttpResponse* response, s3::Wake wake) override;
  void WakeAfter(std::chrono::milliseconds delay, s3::Wake wake) override;
  void CancelSleeps() override {}
  void Abort() override {}

  std::vector<s3::HttpRequest> requests;
  std::vector<std::chrono::milliseconds> sleeps;

 private:
  std::vector<s3::HttpResponse> answers_;
};

s3::HttpResponse Answered(int status, std::vector<std::string> header_lines = {}, std::string body = "");
std::string ErrorXml(std::string_view code, std::string_view extra = "");

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

}  // namespace test
