// What flows along the edges of the graph: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "s3/result.h"

namespace pipeline {

// A file as the source found it. Path and key are bytes, not text.
struct InputFile {
  std::string path;
  std::string key;
  std::uint64_t size_bytes = 0;
  bool follow_symlink = false;  // whether `path` itself may be a symbolic link
};

struct UploadTask {
  std::shared_ptr<const InputFile> file;
};

// Exactly one for each input.
enum class Outcome { kUploaded, kSkipped, kFailed, kCancelled };

std::string_view OutcomeName(Outcome outcome);

struct ObjectResult {
  std::shared_ptr<const InputFile> file;
  Outcome outcome = Outcome::kFailed;
  std::uint64_t size_bytes = 0;
  std::string etag;
  std::string version_id;
  std::string request_id;
  std::string sha256;  // hex, of the bytes sent
  int attempts = 0;
  std::chrono::duration<double> seconds{0};
  std::string reason;                // of a skipped input
  std::optional<s3::Error> error{};  // of a failed or cancelled input
};

// What the source yields for an input: work, or a result at once (special files, bad names).
using SourceItem = std::variant<UploadTask, ObjectResult>;

}  // namespace pipeline
