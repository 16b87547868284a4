// The messages that the nodes of the flow graph pass to each other. Plain values; pure functions, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "pipeline/reading.h"
#include "s3/api/properties.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"
#include "s3/options.h"

namespace pipeline {

// A range of parts of an object that several runs upload together. `s3flow plan` has created the multipart
// upload; `s3flow finish` completes it.
struct PartsOfPlan {
  int first = 1, last = 1;  // part numbers, both inclusive
  std::uint64_t part_bytes = 0;
  std::string token, upload_id;
};

// The data that an embedding program passes with an input (pipeline/node).
struct EmbeddedInput {
  std::uint64_t tag = 0;  // returned with the result
  // Set: the input is these bytes, not a file. They must not change until the input has its result.
  std::optional<std::span<const char>> bytes;
  std::shared_ptr<const void> owner;  // keeps `bytes` alive
  s3::ObjectProperties properties;    // override those of the job
};

// A file as the source found it. `path` and `key` are bytes: they need not be UTF-8.
struct InputFile {
  std::string path;
  std::string key;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;    // in ns since 1970; 0 if it is not a regular file
  bool follow_symlink = false;  // whether `path` itself may be a symbolic link
  bool is_stream = false;       // its length is unknown, and it can be read only once
  std::size_t relative_at = 0;  // where the path below the root begins in `key`
  Reading reading;
  // The root's directory, kept open. Null if OpenFile::Open() has to open the directory. Also null if the
  // root is a file or links are followed, because the file is then opened by `path`.
  std::shared_ptr<const s3::UniqueFd> root = nullptr;
  bool planned = false;  // from a plan: if the file's size or mtime has changed, opening fails
  std::shared_ptr<const PartsOfPlan> range = nullptr;       // upload only these parts; null: the whole file
  std::shared_ptr<const EmbeddedInput> embedded = nullptr;  // null: the input was found by a walk or a plan

  bool is_buffer() const { return embedded != nullptr && embedded->bytes.has_value(); }
  std::string_view relative() const { return std::string_view(key).substr(relative_at); }
};

// Returns how many bytes of the file are to be uploaded: those of its range, or all.
std::uint64_t BytesToUpload(const InputFile& file);

class Object;

// One request that carries data: it sends part `number` of the object, or the whole object.
struct UploadTask {
  std::shared_ptr<Object> object;
  int number = 1;
};

// How an input ended. Each input gets exactly one outcome.
enum class Outcome {
  kUploaded,
  kSkipped,
  kFailed,
  kCancelled,
  kSent,  // the store has this range of parts; the object exists only after `s3flow finish`
};

// Returns the outcome's name in journals, manifests and summaries.
std::string_view OutcomeName(Outcome outcome);
// Returns the outcome with this name. Returns kCancelled for an unknown name, so that the input is uploaded
// again.
Outcome OutcomeOf(std::string_view name);

struct ObjectResult {
  std::shared_ptr<const InputFile> file;
  Outcome outcome = Outcome::kFailed;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;  // mtime of the uploaded file, in ns since 1970
  std::string etag;
  std::string version_id;
  std::string request_id;
  std::string sha256;    // hex, of the bytes that were sent; empty if they were sent in parts
  std::string checksum;  // base64, computed with `algorithm`; may be empty
  s3::ChecksumAlgorithm algorithm = s3::ChecksumAlgorithm::kNone;
  int parts = 0;         // 0: sent with one PutObject
  int reused_parts = 0;  // how many of `parts` an earlier session had sent
  int attempts = 0;
  std::chrono::duration<double> seconds{0};
  std::string reason;                // why the input was skipped
  std::optional<s3::Error> error{};  // why the input failed or was cancelled
  // True if other inputs may be missing because of this failure: a directory or a list that cannot be read.
  bool hides_inputs = false;
};

// A text of at most 15 bytes needs no memory of its own.
inline constexpr const char* kNoMemory = "out of memory";
// Returns the result of an input for which there is no memory. Allocates none itself.
ObjectResult WithoutMemory(std::shared_ptr<const InputFile> file) noexcept;

// ObjectResult::reason of an input that was skipped because of object.if_none_match.
inline constexpr const char* kKeyExists = "the key exists (if_none_match)";

// The walk yields inputs. An input is a file to upload, or the result of an entry that cannot be uploaded (a
// special file, an invalid name).
using Input = std::variant<std::shared_ptr<const InputFile>, ObjectResult>;

const InputFile& FileOf(const Input& input);

// The graph's source emits items. An item is a task to run, or the result of an input that needs no upload.
using SourceItem = std::variant<UploadTask, ObjectResult>;

}  // namespace pipeline
