// Parses the XML of successful responses. The text comes from a server and may be anything, so each function
// returns nothing if the text is not the document of its operation. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/options.h"

namespace s3 {

// Returns the upload ID of an InitiateMultipartUploadResult; it is never empty.
std::optional<std::string> ParseUploadId(std::string_view body);

struct CompletedObject {
  std::string etag;      // never empty; including quotes if the store sends them
  std::string checksum;  // of the requested algorithm; empty if the store does not send it
};
// Parses a CompleteMultipartUploadResult. If the document is empty, truncated or not a
// CompleteMultipartUploadResult, it is unknown whether the upload was completed.
std::optional<CompletedObject> ParseCompletion(std::string_view body, ChecksumAlgorithm checksum);

struct ListedPart {
  int number = 0;
  std::uint64_t bytes = 0;
  std::string etag;
};
struct PartList {
  std::vector<ListedPart> parts;
  bool truncated = false;  // there are more parts after the last one
};
std::optional<PartList> ParsePartList(std::string_view body);

struct ListedUpload {
  std::string key;
  std::string upload_id;
  std::int64_t initiated_s = 0;  // seconds since 1970 by the store's clock; 0 if the store does not send it
};
struct UploadList {
  std::vector<ListedUpload> uploads;
  bool truncated = false;
  std::string next_key, next_id;  // where the next page begins
};
// Parses a ListMultipartUploadsResult that was requested with encoding-type=url.
std::optional<UploadList> ParseUploadList(std::string_view body);

struct ListedObject {
  std::string key;
  std::uint64_t bytes = 0;
  std::string etag;
  std::int64_t modified_s = 0;  // seconds since 1970 by the store's clock; 0 if the store does not send it
};
struct ObjectList {
  std::vector<ListedObject> objects;
  bool truncated = false;
  std::string next;  // the continuation token of the next page
};
// Parses a ListBucketResult of ListObjectsV2 that was requested with encoding-type=url.
std::optional<ObjectList> ParseObjectList(std::string_view body);

}  // namespace s3
