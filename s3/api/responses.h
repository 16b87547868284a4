// Reads the XML of successful answers. Pure, any thread. Bodies come from servers and may hold
// anything: what is not the document that the operation promises is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/options.h"

namespace s3 {

// The upload ID of an InitiateMultipartUploadResult; never empty.
std::optional<std::string> ParseUploadId(std::string_view body);

struct CompletedObject {
  std::string etag;      // never empty; quotes included, when the store sends them
  std::string checksum;  // of the algorithm asked for; empty when the store does not tell
};
// A CompleteMultipartUploadResult. Nothing for an empty, cut or other document: such an answer
// neither is a success nor shows a failure.
std::optional<CompletedObject> ParseCompletion(std::string_view body, ChecksumAlgorithm checksum);

struct ListedPart {
  int number = 0;
  std::uint64_t bytes = 0;
  std::string etag;
};
struct PartList {
  std::vector<ListedPart> parts;
  bool truncated = false;  // more after the last
};
std::optional<PartList> ParsePartList(std::string_view body);

struct ListedUpload {
  std::string key;
  std::string upload_id;
  std::int64_t initiated_s = 0;  // since 1970, by the store's clock; 0 when it does not tell
};
struct UploadList {
  std::vector<ListedUpload> uploads;
  bool truncated = false;
  std::string next_key, next_id;  // where the next page begins
};
// A ListMultipartUploadsResult that was asked for with encoding-type=url.
std::optional<UploadList> ParseUploadList(std::string_view body);

struct ListedObject {
  std::string key;
  std::uint64_t bytes = 0;
  std::string etag;
  std::int64_t modified_s = 0;  // since 1970, by the store's clock; 0 when it does not tell
};
struct ObjectList {
  std::vector<ListedObject> objects;
  bool truncated = false;
  std::string next;  // the continuation token of the next page
};
// A ListBucketResult of ListObjectsV2 that was asked for with encoding-type=url.
std::optional<ObjectList> ParseObjectList(std::string_view body);

}  // namespace s3
