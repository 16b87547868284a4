// The fields of a result line that reports show, and that no session needs to resume a run. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pipeline {

// A field is empty or 0 if the line does not have it, except `attempts`.
struct ResultDetails {
  std::string etag, version_id, request_id;
  std::string sha256;              // hex, of the whole object
  std::string checksum_algorithm;  // "md5", "crc32c", "crc64nvme" or "sha256"
  std::string checksum;            // base64
  int last_part = 0;               // of a range of parts; ResultRecord::first_part is the first one
  int parts = 0;
  int attempts = 1;
  double seconds = 0;  // from the start of the upload to the result
  bool is_stream = false;
  std::string reason;               // why the input was skipped
  std::string kind, code, message;  // why it failed or was cancelled
  int http_status = 0;
};

// Reads the details of an intact result line into `*details`. Reuses the memory of its texts, because a
// report reads millions of lines. Ignores unknown fields. Returns false if the line is not a JSON object, or
// if a known field is an array or an object.
bool ReadDetails(std::string_view line, ResultDetails* details);

}  // namespace pipeline
