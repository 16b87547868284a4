#include "pipeline/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "s3/hash.h"

namespace pipeline {
namespace {

using Json = nlohmann::ordered_json;

tl::unexpected<s3::Error> FailErrno(const std::string& path, int error) {
  char buffer[128];
  return s3::Fail(s3::ErrorKind::kLocal,
                  fmt::format("{}: {}", path, strerror_r(error, buffer, sizeof buffer)));
}

// Well-formed UTF-8 as in the Unicode Standard, table 3-7: no overlong forms, no surrogates.
bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto at = [&](std::size_t k) {
      return static_cast<unsigned char>(i + k < text.size() ? text[i + k] : 0);
    };
    const auto continues = [&](std::size_t k) { return (at(k) & 0xC0) == 0x80; };
    const auto lead = at(0);
    if (lead < 0x80) {
      i += 1;
    } else if (lead >= 0xC2 && lead <= 0xDF && continues(1)) {
      i += 2;
    } else if (lead >= 0xE0 && lead <= 0xEF && continues(1) && continues(2) &&
               !(lead == 0xE0 && at(1) < 0xA0) && !(lead == 0xED && at(1) > 0x9F)) {
      i += 3;
    } else if (lead >= 0xF0 && lead <= 0xF4 && continues(1) && continues(2) && continues(3) &&
               !(lead == 0xF0 && at(1) < 0x90) && !(lead == 0xF4 && at(1) > 0x8F)) {
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

const char* ChecksumField(s3::ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case s3::ChecksumAlgorithm::kMd5: return "md5_base64";
    case s3::ChecksumAlgorithm::kCrc32c: return "crc32c_base64";
    case s3::ChecksumAlgorithm::kCrc64Nvme: return "crc64nvme_base64";
    default: return "sha256_base64";
  }
}

void PutBytes(Json* line, const std::string& name, const std::string& bytes) {
  if (IsUtf8(bytes)) {
    (*line)[name] = bytes;
  } else {
    (*line)[name + "_base64"] = s3::Base64Encode(bytes);
  }
}

s3::Result<void> WriteAll(int fd, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailErrno(path, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

std::string JournalLine(const ObjectResult& result) {
  Json line;
  line["outcome"] = OutcomeName(result.outcome);
  PutBytes(&line, "path", result.file->path);
  PutBytes(&line, "key", result.file->key);
  line["size"] = result.size_bytes;
  if (!result.etag.empty()) line["etag"] = result.etag;
  if (!result.sha256.empty()) line["sha256"] = result.sha256;
  if (!result.checksum.empty()) line[ChecksumField(result.algorithm)] = result.checksum;
  if (result.parts > 0) line["parts"] = result.parts;
  if (result.file->is_stream) line["stream"] = true;
  if (!result.version_id.empty()) line["version_id"] = result.version_id;
  line["attempts"] = result.attempts;
  line["seconds"] = result.seconds.count();
  if (!result.reason.empty()) line["reason"] = result.reason;
  if (!result.request_id.empty()) line["request_id"] = result.request_id;
  if (result.error) {
    const auto& error = *result.error;
    line["kind"] = s3::KindName(error.kind);
    if (error.http_status != 0) line["http_status"] = error.http_status;
    if (!error.code.empty()) line["code"] = error.code;
    line["message"] = error.message;
    if (!error.request_id.empty()) line["request_id"] = error.request_id;
  }
  // A server's message may hold any bytes: what is no UTF-8 becomes U+FFFD.
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

s3::Result<void> WriteFile(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return FailErrno(path, errno);
  auto written = WriteAll(fd, path, text);
  if (close(fd) != 0 && written) return FailErrno(path, errno);
  return written;
}

s3::Result<std::unique_ptr<Journal>> Journal::Create(const std::string& run_dir) {
  std::error_code error;
  std::filesystem::create_directories(run_dir, error);
  if (error) return s3::Fail(s3::ErrorKind::kLocal, fmt::format("{}: {}", run_dir, error.message()));
  const auto path = run_dir + "/journal.jsonl";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST) {
    return s3::Fail(
        s3::ErrorKind::kLocal,
        fmt::format("{} exists: this run directory belongs to an earlier run; choose another", path));
  }
  if (fd < 0) return FailErrno(path, errno);
  return std::unique_ptr<Journal>(new Journal(fd, path));
}

Journal::~Journal() { close(fd_); }

s3::Result<void> Journal::Append(const ObjectResult& result) {
  return WriteAll(fd_, path_, JournalLine(result));
}

s3::Result<void> Journal::Sync() {
  if (fsync(fd_) != 0) return FailErrno(path_, errno);
  return {};
}

}  // namespace pipeline
