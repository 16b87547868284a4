// What flows along the edges of the graph: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "pipeline/reading.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"
#include "s3/options.h"

namespace pipeline {

// Parts of an object that several runs upload together: a plan has created its multipart upload, and
// `finish` completes it.
struct PartsOfPlan {
  int first = 1, last = 1;  // part numbers, both are meant
  std::uint64_t part_bytes = 0;
  std::string token, upload_id;
};

// A file as the source found it. Path and key are bytes, not text.
struct InputFile {
  std::string path;
  std::string key;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;    // since 1970; 0 for what is no file
  bool follow_symlink = false;  // whether `path` itself may be a symbolic link
  bool is_stream = false;       // of unknown length, and gone once it is read
  std::size_t relative_at = 0;  // where the path below the root begins in `key`
  Reading reading;
  // The root's directory, kept open. Null: Open opens it, or there is none (a root that is a file, links that
  // are followed).
  std::shared_ptr<const s3::UniqueFd> root = nullptr;
  bool planned = false;  // found by a plan, long ago perhaps: must have this size and mtime still
  std::shared_ptr<const PartsOfPlan> range = nullptr;  // only these parts; null for all of the file

  std::string_view relative() const { return std::string_view(key).substr(relative_at); }
};

class Object;

// One request that carries data: part `number` of the object, or all of it.
struct UploadTask {
  std::shared_ptr<Object> object;
  int number = 1;
};

// Exactly one for each input.
enum class Outcome {
  kUploaded,
  kSkipped,
  kFailed,
  kCancelled,
  kSent,  // parts of an object of a plan are in the store; the object is not, before `finish`
};

std::string_view OutcomeName(Outcome outcome);
Outcome OutcomeOf(std::string_view name);  // kCancelled for a name that is none

struct ObjectResult {
  std::shared_ptr<const InputFile> file;
  Outcome outcome = Outcome::kFailed;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;  // of the file that was uploaded
  std::string etag;
  std::string version_id;
  std::string request_id;
  std::string sha256;    // hex, of the bytes sent; empty when they went as parts
  std::string checksum;  // base64, of the algorithm below; empty for none
  s3::ChecksumAlgorithm algorithm = s3::ChecksumAlgorithm::kNone;
  int parts = 0;         // 0: one PutObject
  int reused_parts = 0;  // of these, how many an earlier session had sent
  int attempts = 0;
  std::chrono::duration<double> seconds{0};
  std::string reason;                // of a skipped input
  std::optional<s3::Error> error{};  // of a failed or cancelled input
};

// The reason of an input that was skipped because of if_none_match.
inline constexpr const char* kKeyExists = "the key exists (if_none_match)";

// What the walk yields for an input: a file, or a result at once (special files, bad names).
using Input = std::variant<std::shared_ptr<const InputFile>, ObjectResult>;

const InputFile& FileOf(const Input& input);

// What the source emits: work, or a result that needs none.
using SourceItem = std::variant<UploadTask, ObjectResult>;

}  // namespace pipeline
