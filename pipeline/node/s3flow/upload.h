// The input and the result of an UploadNode. Plain values, cheap to copy: copies share the bytes of a buffer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace s3flow {

// Bytes in memory, and what keeps them alive. The bytes must not change until the upload has its result. A
// change would not corrupt the store silently: each request carries the digests of its bytes.
struct Buffer {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

inline Buffer ShareBuffer(std::shared_ptr<const std::byte[]> bytes, std::size_t size) {
  const std::span<const std::byte> span(bytes.get(), size);
  return {span, std::move(bytes)};
}

// Takes over a container of trivially copyable elements, such as std::string or std::vector<double>. Copies
// no element.
template <typename Container>
Buffer MoveToBuffer(Container container) {
  static_assert(std::is_trivially_copyable_v<std::remove_reference_t<decltype(*container.data())>>,
                "the elements of the container must be their bytes: no pointers to other memory");
  auto owner = std::make_shared<const Container>(std::move(container));
  const auto bytes = std::as_bytes(std::span(owner->data(), owner->size()));
  return {bytes, std::move(owner)};
}

// Names and values of request headers that describe the object: "content-type", "content-encoding",
// "cache-control", "x-amz-meta-...", "x-amz-storage-class", "x-amz-tagging", "if-none-match": "*" ...
using Headers = std::vector<std::pair<std::string, std::string>>;

// One object to store: a file or a buffer.
struct Upload {
  std::string key;               // below Options::prefix
  std::string path;              // of the file; not used if there is a buffer
  std::optional<Buffer> buffer;  // sent from where it is, without a copy
  Headers headers;
  std::uint64_t tag = 0;  // returned in the result
};

inline Upload UploadFile(std::string path, std::string key, Headers headers = {}) {
  Upload upload;
  upload.key = std::move(key);
  upload.path = std::move(path);
  upload.headers = std::move(headers);
  return upload;
}

inline Upload UploadBuffer(Buffer buffer, std::string key, Headers headers = {}) {
  Upload upload;
  upload.key = std::move(key);
  upload.buffer = std::move(buffer);
  upload.headers = std::move(headers);
  return upload;
}

struct Error {
  // What the program can do about it. A name that stays: transient, throttled, bad_credentials,
  // access_denied, no_such_bucket, wrong_region, untrusted, wrong_endpoint, store_full, integrity, permanent,
  // local, changed, unsupported, conflict, cancelled, no_credentials ...
  std::string kind;
  std::string message;  // one line for people, without secrets
  int http_status = 0;
  std::string code;  // S3's <Code>; may be empty
  std::string request_id;
};

enum class Status {
  kUploaded,   // the store has confirmed the object
  kSkipped,    // nothing was sent: see UploadResult::reason
  kFailed,     // see UploadResult::error
  kCancelled,  // the uploader has stopped: see UploadResult::error
};

// Each upload gets exactly one result.
struct UploadResult {
  Status status = Status::kFailed;
  std::uint64_t tag = 0;
  std::string key;  // the whole key in the bucket, with the prefix
  std::uint64_t bytes = 0;
  std::string etag, version_id;
  std::string sha256;                        // hex; empty for an object in parts
  std::string checksum, checksum_algorithm;  // base64, and "MD5", "CRC64NVME" ...; may be empty
  int parts = 0;                             // 0: stored with one request
  int reused_parts = 0;                      // how many of them an earlier uploader had sent
  int attempts = 0;                          // of all requests with data; 0: nothing was sent
  std::chrono::duration<double> seconds{0};  // from the first byte read to the confirmation
  std::string reason;
  std::optional<Error> error;

  bool uploaded() const { return status == Status::kUploaded; }
};

}  // namespace s3flow
